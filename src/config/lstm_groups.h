/* lstm_groups.h: what a network fabric is told by, as the preset `dwcp` of `forecast.lstm` names it.
 *
 * A feature belongs to a group when its name is the group's, or begins with it and a line below
 * ("latency_p99"). The group of time is not among them: hours of the day and the week are inputs of every
 * LSTM. */
#ifndef AX_CONFIG_LSTM_GROUPS_H
#define AX_CONFIG_LSTM_GROUPS_H

/* The groups' names, NULL behind the last. */
extern const char *const ax_lstm_groups[];

#endif
