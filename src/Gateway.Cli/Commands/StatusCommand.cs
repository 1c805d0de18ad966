using Gateway.Cli.Api;
using Gateway.Contracts;
using Spectre.Console;

namespace Gateway.Cli.Commands;

/// <summary><c>gateway status</c>.</summary>
internal static class StatusCommand
{
    public static ApiCommand Build() => new ApiCommand("status", "Show what runs, what is wanted, and what to look at.", "GetStatus").Does(async session =>
    {
        var result = await session.Api.GetStatusAsync(session.Stopped);
        var status = ApiSession.Take(result);
        if (session.IsJson) session.Show(result);
        else Show(session, status);
    });

    private static void Show(ApiSession session, StatusResponse status)
    {
        session.View.Sentence($"Gateway {status.Version}, since {status.StartedAt:yyyy-MM-dd HH:mm:ss}Z");
        session.View.Sentence(status.Revision.Difference is { } difference
            ? $"Revision {status.Revision.Applied} runs, {status.Revision.Wanted} is wanted: {difference}" : $"Revision {status.Revision.Applied} runs.");
        session.View.Grid(["TUNNEL", "STATE", "PORT", "PEERS", "CAUSE", "REMEDY"], status.Tunnels.Select(t => new[]
        {
            t.Name, t.State, $"{t.BoundPort}", $"{t.PeerCount}", t.Cause ?? "", t.Remedy ?? "",
        }.Select(cell => new Text(Output.Words.Clean(cell)))));
        foreach (var warning in status.Warnings) session.View.Sentence($"! {warning.What}  →  {warning.Remedy}");
    }
}
