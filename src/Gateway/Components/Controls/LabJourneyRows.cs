using Gateway.Contracts.Lab;

namespace Gateway.Components.Controls;

/// <summary>A packet's journey: the same packet at the points where it was seen, in the order of <see cref="LabPoints.All"/>; null = not there.</summary>
public sealed record LabJourneyRow(string Journey, string Subject, DateTimeOffset At, LabPacket?[] Points);

/// <summary>What the picture shows: the newest journeys, a row each.</summary>
public sealed class LabJourneyRows
{
    /// <summary>More than anybody follows by eye.</summary>
    public const int MostRows = 120;

    private readonly List<LabJourneyRow> _rows = [];

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<LabJourneyRow> Rows => _rows;

    /// <summary>Packets that could not be shown.</summary>
    public long Skipped { get; private set; }

    /// <summary>Hosts whose packets cannot be seen.</summary>
    public IReadOnlyList<string> Problems { get; private set; } = [];

    /// <summary>Takes what passed.</summary>
    public void Add(LabPacketsUpdate update)
    {
        Skipped += update.Skipped;
        Problems = update.Problems;
        foreach (var packet in update.Packets)
        {
            var row = _rows.FindLast(one => one.Journey == packet.Journey);
            if (row is null) _rows.Add(row = new LabJourneyRow(packet.Journey, packet.Subject, packet.At, new LabPacket?[LabPoints.All.Count]));
            for (var i = 0; i < LabPoints.All.Count; i++)
            {
                if (LabPoints.All[i] == packet.Point) row.Points[i] ??= packet;
            }
        }

        if (_rows.Count > MostRows) _rows.RemoveRange(0, _rows.Count - MostRows);
    }

    /// <summary>Begins anew.</summary>
    public void Clear()
    {
        _rows.Clear();
        Skipped = 0;
    }
}
