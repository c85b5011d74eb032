/* commands.h: the subcommands; each takes its words (argv[0] is the command) and returns the exit status:
 * 0 done, 1 it did not work out, 2 it was called wrongly. */
#ifndef AX_APP_COMMANDS_H
#define AX_APP_COMMANDS_H

/* Serve until SIGTERM or SIGINT; SIGHUP reloads. */
int ax_cmd_serve(int argc, char **argv);

/* Validate a configuration file: problems go to standard error, "FILE: ok, 2 jobs" to standard output. */
int ax_cmd_check(int argc, char **argv);

/* Run the jobs of a configuration over recorded data, on a virtual clock. */
int ax_cmd_backtest(int argc, char **argv);

/* Fit the models of a configuration's jobs now, and say whether they are fit to serve: 1 when one is not. */
int ax_cmd_train(int argc, char **argv);

/* Look at the registry of models and change it: of a running process over HTTP, or in its folder. */
int ax_cmd_models(int argc, char **argv);

/* Print the version. */
int ax_cmd_version(int argc, char **argv);

#endif
