using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>
/// The sending side of mac1, mac2 and cookies for one peer (whitepaper §5.4.4, §5.4.7). Control thread only.
/// </summary>
internal sealed class CookieJar
{
    private readonly ICryptoPrimitives _crypto;
    private readonly byte[] _mac1Key = new byte[WireGuardConstants.HashSize];
    private readonly byte[] _cookieKey = new byte[WireGuardConstants.HashSize];
    private readonly byte[] _lastMac1 = new byte[WireGuardConstants.MacSize];
    private readonly byte[] _cookie = new byte[WireGuardConstants.CookieSize];
    private Instant _cookieLearned;
    private bool _awaitsReply;

    internal CookieJar(ICryptoPrimitives crypto, ReadOnlySpan<byte> peerPublicKey)
    {
        _crypto = crypto;
        crypto.Hash(WireGuardConstants.LabelMac1, peerPublicKey, _mac1Key);
        crypto.Hash(WireGuardConstants.LabelCookie, peerPublicKey, _cookieKey);
    }

    /// <summary>Ends a handshake message with its MACs.</summary>
    internal void AddMacs(Span<byte> message, Instant now)
    {
        var mac1 = message[MessageMacs.Mac1];
        _crypto.Mac(_mac1Key, message[MessageMacs.BeforeMac1], mac1);
        mac1.CopyTo(_lastMac1);
        _awaitsReply = true;

        if (!_cookieLearned.IsNever && now - _cookieLearned < WireGuardConstants.CookieLifetime - LocalLimits.CookieLatency)
            _crypto.Mac(_cookie, message[MessageMacs.BeforeMac2], message[MessageMacs.Mac2]);
        else
            message[MessageMacs.Mac2].Clear();
    }

    /// <summary>Learns the cookie of a reply to the last message, once.</summary>
    internal HandshakeResult Learn(ReadOnlySpan<byte> reply, Instant now)
    {
        if (!_awaitsReply)
            return HandshakeResult.NotExpected;
        Span<byte> cookie = stackalloc byte[WireGuardConstants.CookieSize];
        if (!_crypto.TryOpenX(_cookieKey, reply[CookieReplyMessage.Nonce], _lastMac1, reply[CookieReplyMessage.Cookie], cookie))
            return HandshakeResult.BadTag;
        cookie.CopyTo(_cookie);
        _cookieLearned = now;
        _awaitsReply = false;
        return HandshakeResult.CookieLearned;
    }

    internal void Clear()
    {
        CryptographicOperations.ZeroMemory(_cookie);
        _cookieLearned = Instant.Never;
        _awaitsReply = false;
    }
}
