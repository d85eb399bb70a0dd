# SPDX-License-Identifier: MIT
# bash completion for qns: commands from `qns help --list`, options from each command's own help.
_qns()
{
    local cur=${COMP_WORDS[COMP_CWORD]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "$(qns help --list 2>/dev/null)" -- "$cur"))
    elif [ "${COMP_WORDS[1]}" = help ]; then
        COMPREPLY=($(compgen -W "$(qns help --list 2>/dev/null)" -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$(qns help "${COMP_WORDS[1]}" 2>/dev/null | grep -oE -- '--[a-z][a-z-]*' | sort -u)" -- "$cur"))
    else
        compopt -o default
        COMPREPLY=()
    fi
}
complete -F _qns qns
