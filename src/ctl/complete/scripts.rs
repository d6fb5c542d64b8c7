//! Completion scripts for shells; they call `distributexctl complete`.

use structopt::clap::Shell;

use super::super::Program;

/// For bash, with quoting of pool names.
const BASH: &str = r#"_distributex() {
    local word
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        case $word in
            :files) mapfile -t COMPREPLY < <(compgen -f -- "$2"); compopt -o filenames 2> /dev/null ;;
            :commands) mapfile -t COMPREPLY < <(compgen -c -- "$2") ;;
            *) printf -v word %q "$word"; COMPREPLY+=("$word") ;;
        esac
    done < <(distributexctl complete "${1##*/}" --line "${COMP_LINE:0:COMP_POINT}" 2> /dev/null)
}
complete -F _distributex PROGRAMS
"#;

/// For zsh; a file in its `fpath`, or read by `source`.
const ZSH: &str = r#"#compdef PROGRAMS
_distributex() {
    local line
    local -a found
    for line in "${(@f)$(distributexctl complete "${words[1]:t}" -- "${(@Q)words[2,CURRENT]}" 2> /dev/null)}"; do
        case $line in
            '') ;;
            :files) _files; return ;;
            :commands) _command_names -e; return ;;
            *) found+=("${${line%%$'\t'*}//:/\\:}${${line#*$'\t'}:+:${line#*$'\t'}}") ;;
        esac
    done
    _describe -V value found
}
if [[ $funcstack[1] == _distributex* ]]; then _distributex "$@"; else compdef _distributex PROGRAMS; fi
"#;

/// For fish.
const FISH: &str = r#"function __distributex
    set -l words (commandline -opc)
    set -l program (string replace -r '.*/' '' -- $words[1])
    for line in (distributexctl complete $program -- $words[2..-1] (commandline -ct) 2> /dev/null)
        switch $line
            case :files
                __fish_complete_path (commandline -ct)
            case :commands
                complete -C (commandline -ct)
            case '*'
                echo $line
        end
    end
end
for program in PROGRAMS
    complete -c $program -f -a '(__distributex)'
end
"#;

/// The script for this shell, for one program or all.
pub(in super::super) fn script(shell: Shell, program: Option<Program>) -> String {
    let programs = program.map_or_else(|| Program::ALL.to_vec(), |one| vec![one]);
    let names: Vec<_> = programs.iter().map(|program| program.name()).collect();
    let script = match shell {
        Shell::Bash => BASH,
        Shell::Zsh => ZSH,
        Shell::Fish => FISH,
        Shell::Elvish | Shell::PowerShell => {
            return programs.iter().map(|program| program.completions(shell)).collect();
        }
    };
    script.replace("PROGRAMS", &names.join(" "))
}
