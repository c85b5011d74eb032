/* manual.c: the parts of the page that no table has. */
#include "app/manual.h"

static const char begin[] =
    ".TH AUSPEX 1 \"\" \"Auspex " AX_VERSION "\" \"User Commands\"\n"
    ".SH NAME\n"
    "auspex \\- forecasts, anomaly scores and drift for Prometheus\n"
    ".SH SYNOPSIS\n"
    ".B auspex\n"
    "[\\fIcommand\\fR] [\\fB\\-\\-\\fIflag\\fR=\\fIvalue\\fR ...]\n"
    ".SH DESCRIPTION\n"
    "Auspex receives series from a Prometheus by remote\\-write, keeps a rolling window of each, and writes "
    "back, by\n"
    "remote\\-write, what is going to happen, what is not normal, and what has changed since its models "
    "learnt.\n"
    "Without a command it serves.\n"
    ".PP\n"
    "Flags are written \\fB\\-\\-name=value\\fR, \\fB\\-\\-name value\\fR or \\fB\\-name=value\\fR;\n"
    "\\fB\\-\\-name\\fR and \\fB\\-\\-no\\-name\\fR where true and false are meant.\n";

static const char end[] =
    ".SH SIGNALS\n"
    "A serving process takes\n"
    ".TP\n"
    ".B SIGHUP\n"
    "to load the configuration again; when the new one has an error, the one of before stays in force\n"
    ".TP\n"
    ".BR SIGTERM ,\\~ SIGINT\n"
    "to take a snapshot, send what waits and end; a second one leaves what waits in the queue\n"
    ".SH EXIT STATUS\n"
    "0 when all is well, 1 when something failed or is wrong with a file, 2 when the command line is.\n"
    ".SH FILES\n"
    ".TP\n"
    ".I /etc/auspex/auspex.yml\n"
    "the configuration that the systemd unit names\n"
    ".TP\n"
    ".I /var/lib/auspex\n"
    "what lasts, of the systemd unit: samples, models and what waits to be sent\n"
    ".SH SEE ALSO\n"
    ".BR prometheus (1),\n"
    "and share/doc/auspex beside the program: README.md, docs/config.md (keys of the configuration),\n"
    "docs/runbook.md (what to do about each alert).\n";

void ax_manual_text(const char *text, FILE *to)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", to);
    for (; *text; text++) {
        if (*text == '-')
            (void)fputs("\\-", to);
        else if (*text == '\\')
            (void)fputs("\\e", to);
        else
            (void)fputc(*text, to);
    }
}

void ax_manual_item(const char *term, const char *text, FILE *to)
{
    (void)fputs(".TP\n\\fB", to);
    ax_manual_text(term, to);
    (void)fputs("\\fR\n", to);
    ax_manual_text(text, to);
    (void)fputc('\n', to);
}

void ax_manual_begin(FILE *to)
{
    (void)fputs(begin, to);
}

void ax_manual_end(FILE *to)
{
    (void)fputs(end, to);
}
