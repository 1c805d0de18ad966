using System.Text.RegularExpressions;
using Gateway.Contracts;
using Gateway.Engine;

namespace Gateway.Features.Transfer;

/// <summary>Says of a file's lines that are not taken over what does the same here. Commands are never run.</summary>
internal static partial class ImportHints
{
    private const int MaxShown = 200;

    public static IEnumerable<IgnoredLine> Of(string file, string tunnel, WgQuickFile read)
    {
        foreach (var hook in read.Hooks.Where(h => h.Command.Length > 0))
            yield return new IgnoredLine(file, hook.Line, $"{hook.Key} = {Show(hook.Command)}", string.Join(' ', Equivalents(hook.Command, tunnel)));
        if (read.FirewallMark != 0) yield return new IgnoredLine(file, 0, $"FwMark = 0x{read.FirewallMark:x}", "The gateway's own datagrams carry no mark.");
        if (read.Table is { } table and not "auto") yield return new IgnoredLine(file, read.TableLine, $"Table = {table}", "A gateway route with \"kernelRoute\": false makes no kernel route.");
        if (read.SaveConfig) yield return new IgnoredLine(file, 0, "SaveConfig = true", "The gateway keeps everything in its database.");
    }

    private static IEnumerable<string> Equivalents(string command, string tunnel)
    {
        var found = false;
        foreach (var (form, equivalent) in new[]
        {
            (Nat(), $"NAT: PATCH /api/v1/tunnels/{tunnel} {{\"nat\":[{{\"prefix\":\"0.0.0.0/0\",\"to\":\"masquerade\"}}]}}."),
            (Mss(), $"MSS clamping: PATCH /api/v1/tunnels/{tunnel} {{\"clampMss\":true}}."),
            (Forward4(), "Forwarding: PATCH /api/v1/host {\"ipv4Forwarding\":true}."),
            (Forward6(), "Forwarding: PATCH /api/v1/host {\"ipv6Forwarding\":true}."),
            (RpFilter(), $"rp_filter: PATCH /api/v1/interfaces/{tunnel} {{\"rpFilter\":\"loose\"}}."),
            (Route(), "A route into the tunnel: a gateway route of the peer that it leads to."),
            (Dns(), $"Name servers for clients: PATCH /api/v1/tunnels/{tunnel} {{\"dnsServers\":[…]}}."),
            (Accept(), "Letting forwarded packets pass is the host's firewall's: needed there only if it drops them."),
        })
        {
            if (!form.IsMatch(command)) continue;
            found = true;
            yield return equivalent;
        }

        if (!found) yield return "Nothing here does this: if it is still wanted, let the host do it.";
    }

    private static string Show(string command)
    {
        var text = KeyLike().Replace(command, "(something like a key, not shown)");
        return text.Length <= MaxShown ? text : text[..MaxShown] + "…";
    }

    [GeneratedRegex("masquerade|SNAT|snat to", RegexOptions.IgnoreCase)]
    private static partial Regex Nat();

    [GeneratedRegex("TCPMSS|maxseg", RegexOptions.IgnoreCase)]
    private static partial Regex Mss();

    [GeneratedRegex(@"ip_forward|ipv4[./]conf[./]\S+[./]forwarding")]
    private static partial Regex Forward4();

    [GeneratedRegex(@"ipv6[./]conf[./]\S+[./]forwarding")]
    private static partial Regex Forward6();

    [GeneratedRegex("rp_filter")]
    private static partial Regex RpFilter();

    [GeneratedRegex(@"\bip\b(\s+-\w+)*\s+(route|r)\b")]
    private static partial Regex Route();

    [GeneratedRegex("resolvconf|resolvectl|systemd-resolve")]
    private static partial Regex Dns();

    [GeneratedRegex(@"FORWARD\b.*ACCEPT|\bforward\b.*\baccept\b")]
    private static partial Regex Accept();

    [GeneratedRegex("[A-Za-z0-9+/]{40,}=?")]
    private static partial Regex KeyLike();
}
