using Gateway.Contracts.Live;
using Gateway.Live.Filters;

namespace Gateway.Features.Events;

/// <summary>What can be asked of events.</summary>
internal static class EventFields
{
    /// <summary>A word alone is a part of the sentence, the kind, or a peer's or tunnel's name.</summary>
    public static FilterLanguage<EventRow> Language { get; } = new(
        [
            FilterFields.Text<EventRow>("peer", "the peer's name", row => row.Peer),
            FilterFields.Text<EventRow>("tunnel", "the tunnel's name", row => row.Tunnel),
            FilterFields.Text<EventRow>("kind", "what happened", row => row.Kind,
                EventKinds.PeerConnected, EventKinds.PeerReconnected, EventKinds.PeerGone, EventKinds.EndpointMoved, EventKinds.TunnelUp, EventKinds.TunnelFailed,
                EventKinds.OffloadOff, EventKinds.KernelRefused, EventKinds.KernelDrift, EventKinds.RevisionApplied,
                EventKinds.OneWayFlow, EventKinds.MtuBlackHole, EventKinds.HandshakeRefused, EventKinds.PresharedKey, EventKinds.OldTimestamp, EventKinds.EndpointFlapping, EventKinds.RemedyApplied),
            FilterFields.Text<EventRow>("severity", "how grave it is", row => row.Severity, EventSeverities.Info, EventSeverities.Warning, EventSeverities.Error),
            FilterFields.Text<EventRow>("text", "the sentence", row => row.Text),
        ],
        Alone);

    private static Func<EventRow, bool>? Alone(string word)
    {
        return row => Has(row.Text) || Has(row.Kind) || Has(row.Peer) || Has(row.Tunnel);

        bool Has(string? text) => text?.Contains(word, StringComparison.OrdinalIgnoreCase) ?? false;
    }
}
