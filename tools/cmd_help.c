/* SPDX-License-Identifier: MIT */
/* qns help, qns version. */
#include "qns_version.h"
#include "tools/cmd.h"

#include <stdio.h>
#include <string.h>

static void print_overview(void)
{
    const char *group = "";
    printf("usage: qns COMMAND [OPTION...] [ARGUMENT...]\n\n"
           "The int8 model differs from the float model: where, how much, why, and which\n"
           "layers must stay float?\n");
    for (size_t i = 0; qns_cmds[i]; i++) {
        const qns_cmd *c = qns_cmds[i];
        if (strcmp(c->group, group) != 0)
            printf("\n%s\n", c->group);
        group = c->group;
        printf("   %-11s %s\n", c->name, c->summary);
    }
    printf("\nThe usual way: quantize, capture the float and the int8 model on the same data,\n"
           "compare the two captures.\n\n"
           "'qns help COMMAND' tells about a command and its options.\n"
           "Exit codes: 0 fine, 1 differs beyond the rules, 2 not comparable, 3 bad data,\n"
           "64 wrong usage, 70 failure, 130 interrupted.\n");
}

static void print_names(void)
{
    for (size_t i = 0; qns_cmds[i]; i++)
        printf("%s\n", qns_cmds[i]->name);
}

static int run_help(int argc, char **argv)
{
    if (argc < 2) {
        print_overview();
        return QNS_EXIT_OK;
    }
    if (strcmp(argv[1], "--list") == 0) { /* for shell completion */
        print_names();
        return QNS_EXIT_OK;
    }
    for (size_t i = 0; qns_cmds[i]; i++) {
        if (strcmp(qns_cmds[i]->name, argv[1]) != 0)
            continue;
        char name[64];
        snprintf(name, sizeof name, "qns %s", argv[1]);
        if (qns_cmds[i]->argp)
            argp_help(qns_cmds[i]->argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK,
                      name);
        else
            printf("usage: %s %s\n%s\n", name, qns_cmds[i]->args, qns_cmds[i]->summary);
        return QNS_EXIT_OK;
    }
    fprintf(stderr, "qns: no help for '%s': not a command. See 'qns help'.\n", argv[1]);
    return QNS_EXIT_USAGE;
}

static int run_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("%s\n", argp_program_version);
    return QNS_EXIT_OK;
}

extern const qns_cmd qns_cmd_help, qns_cmd_version;
const qns_cmd qns_cmd_help = {"help", "[COMMAND]", "tell about qns or one command",
                              "help", NULL,        run_help};
const qns_cmd qns_cmd_version = {"version", "", "print the version", "help", NULL, run_version};
