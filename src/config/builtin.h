/* builtin.h: the config that serves when no file is given. */
#ifndef AX_CONFIG_BUILTIN_H
#define AX_CONFIG_BUILTIN_H

/* YAML text for a fleet of node_exporters, with results going to a Prometheus on this machine. */
extern const char ax_config_builtin[];

#endif
