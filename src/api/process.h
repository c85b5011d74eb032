/* process.h: CPU, memory and file descriptors of this process, as Prometheus's clients name them. */
#ifndef AX_API_PROCESS_H
#define AX_API_PROCESS_H

/* Bring the process_* metrics up to date (from getrusage, /proc/self). Thread-safe. */
void ax_process_metrics_update(void);

#endif
