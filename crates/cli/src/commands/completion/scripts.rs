//! The scripts that make a shell ask `__complete`.

const BASH: &str = r#"# Completion of NAME for bash. For this shell: source <(NAME completion bash)
_NAME_complete() {
    local line=${COMP_LINE:0:COMP_POINT} words answer directive candidate shown
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local last=${words[-1]}
    answer=$("${words[0]}" __completeNoDesc "${words[@]:1}" 2>/dev/null) || return
    directive=${answer##*:}
    COMPREPLY=()
    while IFS= read -r candidate; do
        [[ -n $candidate && $candidate != :* && $candidate == "$last"* ]] || continue
        shown=$candidate
        # Bash takes what follows a colon or an equals sign for a word of its own.
        [[ $COMP_WORDBREAKS == *:* && $last == *:* ]] && shown=${candidate#"${last%:*}:"}
        COMPREPLY+=("$shown")
    done <<< "$answer"
    [[ $directive == 0 && ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
    return 0
}
complete -F _NAME_complete NAME
"#;

const ZSH: &str = r#"#compdef NAME
# Completion of NAME for zsh. For this shell: source <(NAME completion zsh)
_NAME_complete() {
    local answer directive line
    local -a candidates
    answer=$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null) || return
    directive=${answer##*:}
    for line in "${(@f)answer}"; do
        [[ -z $line || $line == :* ]] && continue
        line=${line//:/\\:}
        candidates+=("${line/$'\t'/:}")
    done
    _describe 'NAME' candidates && return
    [[ $directive == 0 ]] && _files
}
if [[ $funcstack[1] == _NAME ]]; then
    _NAME_complete
else
    compdef _NAME_complete NAME
fi
"#;

const FISH: &str = r#"# Completion of NAME for fish. For this shell: NAME completion fish | source
function __NAME_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        string match -q ':*' -- $line; or echo $line
    end
end
complete -c NAME -f -a '(__NAME_complete)'
"#;

/// The script for a shell; nothing for one that is not known.
pub(super) fn script(shell: &str, name: &str) -> Option<String> {
    let text = match shell {
        "bash" => BASH,
        "zsh" => ZSH,
        "fish" => FISH,
        _ => return None,
    };
    Some(text.replace("NAME", name))
}

/// What `completion` says without a shell.
pub(super) fn help(name: &str) -> String {
    format!(
        "Usage:  {name} completion COMMAND\n\nPrint the completion script for a shell.\n\nCommands:\n  \
         bash        Print the completion script for bash\n  fish        Print the completion script for fish\n  \
         zsh         Print the completion script for zsh\n"
    )
}
