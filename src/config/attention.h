// The attention patterns a model can have, under the name that the folders below know.
#pragma once

#include "t3video/attention.h"
