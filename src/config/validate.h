/* validate.h: what no single key can know: defaults that depend on other keys, and rules across keys. */
#ifndef AX_CONFIG_VALIDATE_H
#define AX_CONFIG_VALIDATE_H

#include "config/reader.h"

/* Fill the computed defaults of a freshly read config, sort horizons and labels, compile the relabelling
 * rules, and add every broken rule to the reader's problems. root is the file's mapping; NULL when empty. */
void ax_config_validate(struct ax_reader *r, yaml_node_t *root, struct ax_config *c);

/* The part of it about jobs (validate_job.c): all but jobs[i].hash is set. */
void ax_config_validate_job(struct ax_reader *r, yaml_node_t *node, const struct ax_config *c, uint32_t i);

/* The part of it about calendars, and the names by which jobs call them (validate_calendar.c). */
void ax_config_validate_calendars(struct ax_reader *r, yaml_node_t *root, struct ax_config *c);

/* Those of its block `anomaly`. */
void ax_config_validate_anomaly(struct ax_reader *r, yaml_node_t *block, struct ax_job_config *job);

/* Is it a label that Auspex adds to outputs? */
bool ax_label_is_added(struct ax_str name);

/* A time zone that there is not is a problem at the mapping's key time_zone, or at the place. */
void ax_config_check_zone(struct ax_reader *r, yaml_node_t *map, struct ax_place place, struct ax_str name);
/* validate_lstm.c: rules and computed defaults of a job's `forecast.lstm`; forecast is the node of the
 * section, or NULL. */
void ax_config_validate_lstm(struct ax_reader *r, yaml_node_t *forecast, struct ax_job_config *job);
/* As above, of `forecast.trees`. */
void ax_config_validate_trees(struct ax_reader *r, yaml_node_t *forecast, struct ax_job_config *job);

#endif
