/* version.c: `auspex version`. */
#include "app/commands.h"

#include <stdio.h>

int ax_cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return printf("auspex, version %s (%s)\n", AX_VERSION, __VERSION__) > 0 ? 0 : 1;
}
