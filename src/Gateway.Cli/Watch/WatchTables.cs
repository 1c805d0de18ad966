using System.Globalization;
using Gateway.Contracts.Live;
using Spectre.Console;

namespace Gateway.Cli.Watch;

/// <summary>Rows of the live streams as people read them.</summary>
internal static class WatchTables
{
    public static Table Of(FlowsUpdate update)
    {
        var table = New("Peer", "Proto", "Source", "Destination", "From peer", "To peer", "Rate", "State", "RTT ms");
        foreach (var row in update.Flows)
        {
            Add(table, row.Peer ?? "?", row.Protocol, Address(row.Source, row.SourcePort), Address(row.Destination, row.DestinationPort) + (row.Service is null ? "" : $" ({row.Service})"),
                Bytes(row.BytesFromPeer), Bytes(row.BytesToPeer), $"{Bytes(row.RateFromPeer + row.RateToPeer)}/s", row.State ?? "",
                row.RoundTripToPeerMs is null && row.RoundTripToOtherMs is null ? "" : ((row.RoundTripToPeerMs ?? 0) + (row.RoundTripToOtherMs ?? 0)).ToString("F1", CultureInfo.InvariantCulture));
        }

        table.Caption($"{update.Flows.Count} of {update.Matching} that match, {update.Total} in all");
        return table;
    }

    public static Table Of(DropsUpdate update)
    {
        var table = New("Peer", "Destination", "Reason", "Way", "Packets", "Rate", "Last", "Sample");
        foreach (var row in update.Drops)
        {
            Add(table, row.Peer ?? "", row.Destination ?? "", row.Reason, row.Way, row.Packets.ToString(CultureInfo.InvariantCulture),
                $"{row.Rate.ToString("F1", CultureInfo.InvariantCulture)}/s", Time(row.LastSeen), row.Sample?.Summary ?? "");
        }

        table.Caption($"{update.Drops.Count} of {update.Matching} that match, {update.Total} in all");
        return table;
    }

    public static Table Of(IReadOnlyCollection<PeerRow> peers)
    {
        const int Shown = 40;
        var table = New("Peer", "Tunnel", "State", "Endpoint", "Handshake", "Received", "Sent", "In", "Out", "Drops");
        foreach (var row in peers.OrderByDescending(row => row.ReceivedRate + row.SentRate).ThenBy(row => row.Name, StringComparer.Ordinal).Take(Shown))
        {
            Add(table, row.Name, row.Tunnel, row.State, row.Endpoint ?? "", row.LastHandshake is { } at ? Time(at) : "", Bytes(row.ReceivedBytes), Bytes(row.SentBytes),
                $"{Bytes(row.ReceivedRate)}/s", $"{Bytes(row.SentRate)}/s", row.Drops.ToString(CultureInfo.InvariantCulture));
        }

        table.Caption($"{Math.Min(peers.Count, Shown)} of {peers.Count} peers, the busiest first");
        return table;
    }

    public static string Line(PacketRow row) =>
        $"{row.At.ToLocalTime().ToString("HH:mm:ss.ffffff", CultureInfo.InvariantCulture)} {row.Tunnel} {(row.Direction == PacketDirections.FromPeer ? "from" : "to")} {row.Peer ?? "?"}: {row.Summary}"
        + (row.Verdict == PacketVerdicts.Passed ? "" : $" [dropped: {row.Verdict}]");

    public static string Line(EventRow row) => $"{Time(row.At)} {row.Severity}: {row.Text}{(row.Remedy is null ? "" : $" {row.Remedy}")}";

    /// <summary>1.2 MB.</summary>
    internal static string Bytes(double bytes)
    {
        foreach (var (unit, size) in (ReadOnlySpan<(string, double)>)[("GB", 1e9), ("MB", 1e6), ("KB", 1e3)])
        {
            if (bytes >= size) return $"{(bytes / size).ToString("F1", CultureInfo.InvariantCulture)} {unit}";
        }

        return $"{bytes.ToString("F0", CultureInfo.InvariantCulture)} B";
    }

    private static string Time(DateTimeOffset at) => at.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Address(string address, int port) => port == 0 ? address : address.Contains(':', StringComparison.Ordinal) ? $"[{address}]:{port}" : $"{address}:{port}";

    private static Table New(params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = TableBorder.Minimal };
        foreach (var column in columns) table.AddColumn(new TableColumn(Markup.Escape(column)).NoWrap());
        return table;
    }

    // What comes from outside is text, never markup.
    private static void Add(Table table, params ReadOnlySpan<string> cells)
    {
        var texts = new Text[cells.Length];
        for (var i = 0; i < cells.Length; i++) texts[i] = new Text(cells[i]);
        table.AddRow(texts);
    }
}
