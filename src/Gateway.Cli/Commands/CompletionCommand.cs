using System.CommandLine;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway completion</c>: prints what makes a shell ask this program, by its <c>[suggest:POSITION]</c> directive, how a line may go on.</summary>
internal static class CompletionCommand
{
    public const string Details = """
        bash: gateway completion bash > /usr/share/bash-completion/completions/gateway
        zsh:  gateway completion zsh > "${fpath[1]}/_gateway"
        """;

    // The program sees the line without its own name. Words with a colon, which bash takes apart, are put together again by what is cut off the front.
    private const string Bash = """
        _gateway() {
            local line="${COMP_LINE#* }" at cut suggestion
            at=$((COMP_POINT - ${#COMP_LINE} + ${#line}))
            local word="${line:0:at}"; word="${word##* }"
            local current="${COMP_WORDS[COMP_CWORD]}"
            [[ "$current" == : || "$current" == = ]] && current=""
            cut=$((${#word} - ${#current})); ((cut < 0)) && cut=0
            COMPREPLY=()
            while IFS= read -r suggestion; do
                [[ "$suggestion" == [-/]* && "$word" != [-/]* ]] && continue
                [[ -n "$suggestion" && "$suggestion" == "$word"* ]] && COMPREPLY+=("${suggestion:cut}")
            done < <("${COMP_WORDS[0]}" "[suggest:$at]" "$line" 2>/dev/null)
        }
        complete -o default -F _gateway gateway
        """;

    private const string Zsh = """
        #compdef gateway
        _gateway() {
            local line="${BUFFER#* }" at
            local -a suggestions
            at=$((CURSOR - ${#BUFFER} + ${#line}))
            suggestions=("${(@f)$(${words[1]} "[suggest:$at]" "$line" 2>/dev/null)}")
            [[ $PREFIX == -* ]] || suggestions=(${suggestions:#[-/]*})
            compadd -- ${suggestions:#}
            (( ${#suggestions:#} )) || _files
        }
        if [ "$funcstack[1]" = _gateway ]; then _gateway "$@"; else compdef _gateway gateway; fi
        """;

    public static Command Build()
    {
        var shell = new Argument<string>("SHELL") { Description = "bash or zsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command("completion", "Print the completion script for a shell.") { shell };
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.WriteLine(parsed.GetValue(shell) == "bash" ? Bash : Zsh));
        return command;
    }
}
