// Gloo's names that c10d's header mentions: libtorch ships the library without its headers.
#pragma once
