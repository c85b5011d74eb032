/* spared.c: who plays the other side, and is not to fail. */
#include "failing.h"

_Thread_local bool failing_spared;
