using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>
/// The receiving side of mac1, mac2 and cookies (whitepaper §5.4.4, §5.4.7): refuses strangers before any public-key work, and under load
/// everybody who has not shown that they receive at their source address. Control thread only.
/// </summary>
internal sealed class CookieChecker : IDisposable
{
    private const int MaxSourceBytes = 16 + sizeof(ushort);

    private readonly ICryptoPrimitives _crypto;
    private readonly RandomNumberGenerator _random;
    private readonly byte[] _mac1Key = new byte[WireGuardConstants.HashSize];
    private readonly byte[] _cookieKey = new byte[WireGuardConstants.HashSize];
    private readonly byte[] _secret = GC.AllocateArray<byte>(WireGuardConstants.HashSize, pinned: true);
    private Instant _secretMade;

    internal CookieChecker(ICryptoPrimitives crypto, RandomNumberGenerator random)
    {
        _crypto = crypto;
        _random = random;
    }

    internal void SetIdentity(ReadOnlySpan<byte> publicKey)
    {
        _crypto.Hash(WireGuardConstants.LabelMac1, publicKey, _mac1Key);
        _crypto.Hash(WireGuardConstants.LabelCookie, publicKey, _cookieKey);
        // Cookies are bound to the identity: a new one starts over.
        _secretMade = Instant.Never;
    }

    internal bool IsMac1Valid(ReadOnlySpan<byte> message)
    {
        Span<byte> mac = stackalloc byte[WireGuardConstants.MacSize];
        _crypto.Mac(_mac1Key, message[MessageMacs.BeforeMac1], mac);
        return CryptographicOperations.FixedTimeEquals(mac, message[MessageMacs.Mac1]);
    }

    internal bool IsMac2Valid(ReadOnlySpan<byte> message, ReadOnlySpan<byte> address, ushort port, Instant now)
    {
        if (_secretMade.IsNever || now - _secretMade >= WireGuardConstants.CookieLifetime)
            return false;
        Span<byte> cookie = stackalloc byte[WireGuardConstants.CookieSize];
        Span<byte> mac = stackalloc byte[WireGuardConstants.MacSize];
        MakeCookie(address, port, cookie);
        _crypto.Mac(cookie, message[MessageMacs.BeforeMac2], mac);
        return CryptographicOperations.FixedTimeEquals(mac, message[MessageMacs.Mac2]);
    }

    /// <summary>Writes the reply to a message with a valid mac1 from that source.</summary>
    internal int WriteReply(ReadOnlySpan<byte> message, ReadOnlySpan<byte> address, ushort port, Instant now, Span<byte> reply)
    {
        if (_secretMade.IsNever || now - _secretMade >= WireGuardConstants.CookieLifetime)
        {
            _random.GetBytes(_secret);
            _secretMade = now;
        }

        reply = reply[..CookieReplyMessage.Size];
        // The sender index is at the same place in initiation and response.
        CookieReplyMessage.WriteHeader(reply, InitiationMessage.ReadSender(message));
        var nonce = reply[CookieReplyMessage.Nonce];
        _random.GetBytes(nonce);
        Span<byte> cookie = stackalloc byte[WireGuardConstants.CookieSize];
        MakeCookie(address, port, cookie);
        _crypto.SealX(_cookieKey, nonce, message[MessageMacs.Mac1], cookie, reply[CookieReplyMessage.Cookie]);
        return CookieReplyMessage.Size;
    }

    public void Dispose() => CryptographicOperations.ZeroMemory(_secret);

    private void MakeCookie(ReadOnlySpan<byte> address, ushort port, Span<byte> cookie)
    {
        Span<byte> source = stackalloc byte[MaxSourceBytes];
        address.CopyTo(source);
        BinaryPrimitives.WriteUInt16BigEndian(source[address.Length..], port);
        _crypto.Mac(_secret, source[..(address.Length + sizeof(ushort))], cookie);
    }
}
