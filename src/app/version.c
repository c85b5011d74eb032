/* version.c: `auspex version`. */
#include "app/commands.h"

#include <stdio.h>

#ifdef __clang__
#define COMPILER __VERSION__ /* names itself */
#else
#define COMPILER "gcc " __VERSION__
#endif

int ax_cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return printf("auspex, version %s (built with %s)\n", AX_VERSION, COMPILER) > 0 ? 0 : 1;
}
