/* main.c: the subcommands of auspex. Without one, it serves. */
#include "app/commands.h"
#include "app/manual.h"

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

/* The manual page: each command says of itself what --help does. */
static int manual(void)
{
    ax_manual_begin(stdout);
    (void)puts(".SH COMMANDS");
    for (size_t i = 0; i < COMMANDS_N; i++)
        ax_manual_item(commands[i].name, commands[i].help, stdout);
    for (size_t i = 0; i < COMMANDS_N; i++) {
        char name[16], help[] = "--help-man", *words[] = {name, help, NULL};
        if (commands[i].run == ax_cmd_version)
            continue; /* has no flags */
        (void)snprintf(name, sizeof name, "%s", commands[i].name);
        (void)printf(".SH AUSPEX %s\n", name);
        if (commands[i].run(2, words) != 0)
            return 1;
    }
    ax_manual_end(stdout);
    return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
            return usage(stdout, 0);
        if (argc >= 2 && strcmp(argv[1], "--help-man") == 0)
            return manual();
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
