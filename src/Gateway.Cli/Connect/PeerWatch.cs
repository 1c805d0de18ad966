using Gateway.Engine;

namespace Gateway.Cli.Connect;

/// <summary>What a look at a peer told.</summary>
internal enum PeerNews
{
    /// <summary>Nothing new.</summary>
    None,
    /// <summary>We send and nothing has come back since the look before last.</summary>
    Silent,
    /// <summary>It still does not answer.</summary>
    StillSilent,
    /// <summary>It answers again.</summary>
    Back,
}

/// <summary>
/// Tells from a peer's byte counters, looked at every <see cref="Interval"/>, whether it answers. An idle peer sends nothing and is not silent;
/// one that is sent data answers within 10 s, if only with a keepalive (WireGuard §6.5).
/// </summary>
internal sealed class PeerWatch
{
    /// <summary>Longer than the answer may take, with a retried handshake (5 s) in between.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private long _sent;
    private long _received;
    private int _unanswered;

    /// <summary>Takes the next look.</summary>
    public PeerNews Look(PeerStatus peer)
    {
        var (sent, received) = (peer.SentBytes > _sent, peer.ReceivedBytes > _received);
        (_sent, _received) = (peer.SentBytes, peer.ReceivedBytes);
        if (received)
        {
            var wasSilent = _unanswered > 0 && _reported;
            (_unanswered, _reported) = (0, false);
            return wasSilent ? PeerNews.Back : PeerNews.None;
        }

        if (!sent) return PeerNews.None;
        _unanswered++;
        // One look may fall between question and answer.
        if (_unanswered < 2 && peer.LastReceived is not null) return PeerNews.None;
        var news = _reported ? PeerNews.StillSilent : PeerNews.Silent;
        _reported = true;
        return news;
    }

    private bool _reported;
}
