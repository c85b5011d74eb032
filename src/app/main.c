/* main.c: the subcommands of auspex. Without one, it serves. */
#include "app/commands.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"serve", ax_cmd_serve, "receive, predict, send (the default)"},
    {"check", ax_cmd_check, "validate configuration files"},
    {"backtest", ax_cmd_backtest, "run the jobs of a configuration over recorded data"},
    {"train", ax_cmd_train, "fit the models of all jobs now; are they fit to serve?"},
    {"models", ax_cmd_models, "list, show, compare, promote, roll back, approve, export and import models"},
    {"version", ax_cmd_version, "print the version"},
};
#define COMMANDS_N (sizeof commands / sizeof commands[0])

static int usage(FILE *to, int status)
{
    (void)fprintf(to, "usage: auspex [command] [--flag=value ...]\n\n");
    for (size_t i = 0; i < COMMANDS_N; i++)
        (void)fprintf(to, "  %-10s %s\n", commands[i].name, commands[i].help);
    (void)fprintf(to, "\n`auspex <command> --help` lists a command's flags.\n");
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
            return usage(stdout, 0);
        if (argc >= 2 && strcmp(argv[1], "--version") == 0)
            return ax_cmd_version(argc, argv);
        return ax_cmd_serve(argc, argv);
    }
    if (strcmp(argv[1], "help") == 0)
        return usage(stdout, 0);
    for (size_t i = 0; i < COMMANDS_N; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    (void)fprintf(stderr, "auspex: there is no command '%s'\n", argv[1]);
    return usage(stderr, 2);
}
