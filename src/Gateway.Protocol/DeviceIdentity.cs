using System.Security.Cryptography;

namespace Gateway.Protocol;

/// <summary>What the peers of one device share: its keys, the index table, and what was handed in from outside.</summary>
internal sealed class DeviceIdentity : IDisposable
{
    private readonly byte[] _privateKey = GC.AllocateArray<byte>(WireGuardConstants.KeySize, pinned: true);
    private readonly byte[] _publicKey = new byte[WireGuardConstants.KeySize];

    internal DeviceIdentity(ICryptoPrimitives crypto, RandomNumberGenerator random, IPeerOutput output)
    {
        Crypto = crypto;
        Random = random;
        Output = output;
        Indices = new IndexTable(random);
        Noise = NoiseProtocol.WireGuard(crypto);
        Cookies = new CookieChecker(crypto, random);
    }

    internal ICryptoPrimitives Crypto { get; }

    internal RandomNumberGenerator Random { get; }

    internal IPeerOutput Output { get; }

    internal IndexTable Indices { get; }

    internal NoiseProtocol Noise { get; }

    internal CookieChecker Cookies { get; }

    internal PublicKey PublicKey { get; private set; }

    internal ReadOnlySpan<byte> PrivateKeyBytes => _privateKey;

    internal ReadOnlySpan<byte> PublicKeyBytes => _publicKey;

    internal void Set(PrivateKey privateKey)
    {
        PublicKey = privateKey.GetPublicKey(Crypto);
        privateKey.Bytes.CopyTo(_privateKey);
        PublicKey.CopyTo(_publicKey);
        Cookies.SetIdentity(_publicKey);
    }

    /// <summary>0 to 333 ms (whitepaper §6.1).</summary>
    internal TimeSpan DrawJitter()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        Random.GetBytes(bytes);
        return TimeSpan.FromMilliseconds(BitConverter.ToUInt16(bytes) % (WireGuardConstants.MaxJitterMilliseconds + 1));
    }

    public void Dispose()
    {
        CryptographicOperations.ZeroMemory(_privateKey);
        Cookies.Dispose();
    }
}
