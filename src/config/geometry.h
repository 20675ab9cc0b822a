// Token grids and window counts, under the name that the folders below know.
#pragma once

#include "t3video/attention.h"
