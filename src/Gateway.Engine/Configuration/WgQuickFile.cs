using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using Gateway.Protocol;

namespace Gateway.Engine;

/// <summary>One mistake in a wg-quick file.</summary>
/// <param name="Line">Its line, counted from 1.</param>
/// <param name="Message">One or two sentences: what is wrong and what would be right. Never holds a key.</param>
public sealed record WgQuickError(int Line, string Message);

/// <summary>A command of PreUp, PostUp, PreDown or PostDown. Gateway never runs these.</summary>
/// <param name="Line">Where it stands, counted from 1.</param>
/// <param name="Key">"PreUp", "PostUp", "PreDown" or "PostDown".</param>
/// <param name="Command">The shell command.</param>
public sealed record WgQuickHook(int Line, string Key, string Command);

/// <summary>A peer's address as written: a name is resolved by who uses it.</summary>
/// <param name="Host">A name, or an address without brackets.</param>
/// <param name="Port">The UDP port.</param>
public sealed record WgQuickEndpoint(string Host, ushort Port)
{
    /// <summary>The address, where <see cref="Host"/> is one; null where it is a name.</summary>
    public IPEndPoint? Numeric => WgQuickValues.TryParseAddress(Host, allowZone: true, out var address) ? new IPEndPoint(address, Port) : null;

    /// <inheritdoc/>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>One [Peer] section.</summary>
public sealed record WgQuickPeer
{
    /// <summary>The line of its [Peer], counted from 1.</summary>
    public required int Line { get; init; }

    /// <summary>Who it is.</summary>
    public required PublicKey PublicKey { get; init; }

    /// <summary>The optional symmetric key; a key of zeros counts as none, as in wg.</summary>
    public PresharedKey? PresharedKey { get; init; }

    /// <summary>Its prefixes, host bits cleared, in the file's order, without repetitions.</summary>
    public ImmutableArray<IPNetwork> AllowedIps { get; init; } = [];

    /// <summary>Where it can be reached; null = it calls us.</summary>
    public WgQuickEndpoint? Endpoint { get; init; }

    /// <summary>Zero = off.</summary>
    public TimeSpan PersistentKeepalive { get; init; }

    /// <summary>The whole-line comments before its [Peer], after the section before, and in it: without the signs, none empty.</summary>
    public ImmutableArray<string> Comments { get; init; } = [];
}

/// <summary>A wg-quick configuration file (wg-quick(8), wg(8) "CONFIGURATION FILE FORMAT"), read and checked.</summary>
public sealed record WgQuickFile
{
    /// <summary>This end's key.</summary>
    public required PrivateKey PrivateKey { get; init; }

    /// <summary>The UDP port; 0 = any.</summary>
    public ushort ListenPort { get; init; }

    /// <summary>SO_MARK of outgoing datagrams; 0 = none.</summary>
    public uint FirewallMark { get; init; }

    /// <summary>The device's addresses; without a prefix length it is the longest.</summary>
    public ImmutableArray<InterfaceAddress> Addresses { get; init; } = [];

    /// <summary>Name servers wanted while the tunnel is up.</summary>
    public ImmutableArray<IPAddress> DnsServers { get; init; } = [];

    /// <summary>Search domains wanted while the tunnel is up.</summary>
    public ImmutableArray<string> DnsSearch { get; init; } = [];

    /// <summary>The device's MTU in bytes; null = to be chosen.</summary>
    public int? Mtu { get; init; }

    /// <summary>The routing table for AllowedIPs: null or "auto" = the main one, "off" = no routes, else a table's number or name.</summary>
    public string? Table { get; init; }

    /// <summary>The line of <see cref="Table"/>; 0 where it is not given.</summary>
    public int TableLine { get; init; }

    /// <summary>Whether wg-quick would write the file anew when it goes down.</summary>
    public bool SaveConfig { get; init; }

    /// <summary>Where Gateway's own client asks for changes, from the comment "# Follow = URL" that Gateway writes; null = nowhere.</summary>
    public Uri? Follow { get; init; }

    /// <summary>All commands of the file, in its order.</summary>
    public ImmutableArray<WgQuickHook> Hooks { get; init; } = [];

    /// <summary>The whole-line comments before [Interface] and in it: without the signs, none empty.</summary>
    public ImmutableArray<string> Comments { get; init; } = [];

    /// <summary>The peers, in the file's order.</summary>
    public ImmutableArray<WgQuickPeer> Peers { get; init; } = [];

    /// <summary>
    /// Reads a file's text. Either <paramref name="file"/> is set, or <paramref name="errors"/> holds every mistake that was found, by line.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out WgQuickFile? file, out ImmutableArray<WgQuickError> errors)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new WgQuickParser().TryParse(text, out file, out errors);
    }
}
