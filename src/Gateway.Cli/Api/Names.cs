using System.CommandLine;
using System.CommandLine.Completions;
using Gateway.Contracts;
using Gateway.Contracts.Client;

namespace Gateway.Cli.Api;

/// <summary>What people call things: names where the API wants ids, and the names offered when completing.</summary>
internal static class Names
{
    private static readonly TimeSpan s_completionTimeout = TimeSpan.FromSeconds(2);

    /// <summary>TUNNEL: its name.</summary>
    public static Argument<string> Tunnel() => new Argument<string>("TUNNEL") { Description = "The tunnel's name." }.Completing(TunnelNamesAsync);

    /// <summary>PEER: its name, TUNNEL/NAME, or id.</summary>
    public static Argument<string> Peer() => new Argument<string>("PEER") { Description = "The peer's name, tunnel/name where several are called so, or id." }.Completing(PeerNamesAsync);

    /// <summary>Offers what the API has, quickly or not at all.</summary>
    public static Argument<string> Completing(this Argument<string> argument, Func<GatewayClient, CancellationToken, Task<IEnumerable<string>>> names)
    {
        argument.CompletionSources.Add(context => Ask(context, names));
        return argument;
    }

    /// <summary>Offers what the API has, quickly or not at all.</summary>
    public static Option<string?> Completing(this Option<string?> option, Func<GatewayClient, CancellationToken, Task<IEnumerable<string>>> names)
    {
        option.CompletionSources.Add(context => Ask(context, names));
        return option;
    }

    public static async Task<IEnumerable<string>> TunnelNamesAsync(GatewayClient api, CancellationToken cancellationToken) =>
        (await ApiSession.AllAsync<TunnelResponse>(page => api.Tunnels.ListAsync(page, cancellationToken))).Select(t => t.Name);

    public static async Task<IEnumerable<string>> PeerNamesAsync(GatewayClient api, CancellationToken cancellationToken)
    {
        var peers = await ApiSession.AllAsync<PeerResponse>(page => api.Peers.ListAsync(page: page, cancellationToken: cancellationToken));
        return peers.GroupBy(p => p.Name).SelectMany(same => same.Count() == 1 ? [same.Key] : same.Select(p => $"{p.Tunnel}/{p.Name}"));
    }

    /// <summary>The only tunnel, where none was named.</summary>
    public static async Task<string> TunnelAsync(this ApiSession session, string? given)
    {
        if (given is not null) return given;
        return ApiSession.Take(await session.Api.Tunnels.ListAsync(new PageQuery(2), session.Stopped)).Items switch
        {
            [var only] => only.Name,
            [] => throw new CommandException("There is no tunnel yet: gateway tunnel add wg0 --listen-port 51820 --address 192.168.53.1/24 makes one.", ExitCodes.NotFound),
            _ => throw new CommandException("There are several tunnels: say with --tunnel which.", ExitCodes.Usage),
        };
    }

    /// <summary>The peer of that name, tunnel/name or id.</summary>
    public static async Task<PeerResponse> PeerAsync(this ApiSession session, string given)
    {
        if (Guid.TryParse(given, out var id)) return ApiSession.Take(await session.Api.Peers.GetAsync(id, session.Stopped));
        var found = await FindAsync(session, new PeerFilter { Search = given });
        // Names may hold a slash; a tunnel's may not.
        if (found.Count == 0 && given.Split('/', 2) is [var tunnel, var name]) found = await FindAsync(session, new PeerFilter { Tunnel = tunnel, Search = name });
        return found switch
        {
            [var only] => only,
            [] => throw new CommandException($"There is no peer '{given}'. \"gateway peer list\" shows all.", ExitCodes.NotFound),
            _ => throw new CommandException($"Several peers are called '{given}': {string.Join(", ", found.Select(p => $"{p.Tunnel}/{p.Name} ({p.Id})"))}. Say which.", ExitCodes.Usage),
        };
    }

    // The API searches for a piece of the name; who is called so is who has all of it.
    private static async Task<List<PeerResponse>> FindAsync(ApiSession session, PeerFilter filter) =>
        [.. (await ApiSession.AllAsync<PeerResponse>(page => session.Api.Peers.ListAsync(filter, null, page, session.Stopped))).Where(p => p.Name == filter.Search)];

    /// <summary>Names from the API for a completion; none where it does not answer.</summary>
    public static IEnumerable<string> Ask(CompletionContext context, Func<GatewayClient, CancellationToken, Task<IEnumerable<string>>> names)
    {
        if (context.ParseResult.CommandResult.Command is not ApiCommand command) return [];
        try
        {
            using var http = command.Connection.Open(context.ParseResult, s_completionTimeout);
            using var deadline = new CancellationTokenSource(s_completionTimeout);
            // The library asks synchronously, and nothing else runs in this process.
            return names(new GatewayClient(http), deadline.Token).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is CommandException or HttpRequestException or OperationCanceledException)
        {
            return [];
        }
    }
}
