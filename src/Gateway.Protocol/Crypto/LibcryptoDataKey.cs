using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using static Gateway.Protocol.Libcrypto;

namespace Gateway.Protocol;

/// <summary>
/// ChaCha20-Poly1305 (RFC 8439 §2.8) for packets: the key stream's first block, which is the one-time key of the tag, and the packet's own are
/// made in one call of libcrypto's ChaCha20 instead of two, and its Poly1305 authenticates the result.
/// </summary>
/// <remarks>
/// libcrypto's own ChaCha20-Poly1305 makes that first block by itself: one block takes as long as sixteen at once. It is what longer packets, and those
/// whose one block more would begin another sixteen, go through here too. The work is done in a copy on the stack: two copies of a packet cost
/// 25 ns, of 150 ns that are won.
/// </remarks>
internal sealed unsafe class LibcryptoDataKey : AeadKey
{
    private const int KeySize = 32;
    private const int IvSize = 16;
    private const int BlockBytes = 64;

    // What libcrypto's widest code works on at once, and pays for whole (chacha-x86_64: 16 blocks).
    private const int StrideBytes = 16 * BlockBytes;

    // A packet of the usual 1500 bytes; the rest is the first block, padding and lengths.
    private const int ScratchBytes = 2048;
    private const int MaxBytes = ScratchBytes - BlockBytes - LengthsBytes - (LengthsBytes - 1);
    private const int LengthsBytes = 16;

    private readonly LibcryptoAeadKey _whole;
    private readonly nint _cipher;
    private readonly nint _mac;
    private readonly byte[] _key;
    private nint _cipherContext;
    private nint _macContext;
    private bool _disposed;

    internal LibcryptoDataKey(nint wholeCipher, nint cipher, nint mac, ReadOnlySpan<byte> key)
    {
        _whole = new LibcryptoAeadKey(wholeCipher, key);
        (_cipher, _mac) = (cipher, mac);
        _key = GC.AllocateUninitializedArray<byte>(KeySize, pinned: true);
        key.CopyTo(_key);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override void Seal(ulong counter, ReadOnlySpan<byte> plaintext, Span<byte> output)
    {
        if (!IsQuicker(plaintext.Length) || output.Length < plaintext.Length + TagSize)
        {
            _whole.Seal(counter, plaintext, output);
            return;
        }

        // SAFETY: the scratch is this frame's, and MaxBytes leaves room for everything that is put behind the packet.
        var scratch = stackalloc byte[ScratchBytes];
        var text = new Span<byte>(scratch + BlockBytes, plaintext.Length);
        plaintext.CopyTo(text);
        ApplyKeyStream(counter, scratch, scratch, plaintext.Length);
        Authenticate(scratch, scratch + BlockBytes, plaintext.Length, scratch + BlockBytes + plaintext.Length);
        new ReadOnlySpan<byte>(scratch + BlockBytes, plaintext.Length + TagSize).CopyTo(output);
        GC.KeepAlive(this);
    }

    /// <inheritdoc/>
    [SkipLocalsInit]
    public override bool TryOpen(ulong counter, ReadOnlySpan<byte> ciphertextAndTag, Span<byte> output)
    {
        var length = ciphertextAndTag.Length - TagSize;
        if (length < 0 || !IsQuicker(length) || output.Length < length)
            return _whole.TryOpen(counter, ciphertextAndTag, output);

        // SAFETY: as in Seal. The ciphertext stays as it is, for the tag goes over it; the output gets nothing that is not authentic.
        var sealedText = stackalloc byte[ScratchBytes];
        var scratch = stackalloc byte[ScratchBytes];
        var tag = stackalloc byte[TagSize];
        ciphertextAndTag[..length].CopyTo(new Span<byte>(sealedText + BlockBytes, length));
        ApplyKeyStream(counter, sealedText, scratch, length);
        Authenticate(scratch, sealedText + BlockBytes, length, tag);
        var authentic = CryptographicOperations.FixedTimeEquals(new ReadOnlySpan<byte>(tag, TagSize), ciphertextAndTag[length..]);
        if (authentic)
            new ReadOnlySpan<byte>(scratch + BlockBytes, length).CopyTo(output);
        GC.KeepAlive(this);
        return authentic;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        EVP_CIPHER_CTX_free(_cipherContext);
        EVP_MAC_CTX_free(_macContext);
        _cipherContext = _macContext = 0;
        _disposed = true;
        CryptographicOperations.ZeroMemory(_key);
        if (disposing)
            _whole.Dispose();
    }

    /// <summary>Frees the contexts of a key that was never disposed.</summary>
    ~LibcryptoDataKey() => Dispose(false);

    // One block more must not begin another stride: that costs more than the block by itself.
    private static bool IsQuicker(int length) => length <= MaxBytes && Strides(length + BlockBytes) == Strides(Math.Max(length, 1));

    private static int Strides(int length) => (length + StrideBytes - 1) / StrideBytes;

    /// <summary>Makes the first block (RFC 8439 §2.6: block 0 of the packet's nonce), and encrypts or decrypts what is behind it; in place, or from one scratch to another.</summary>
    private void ApplyKeyStream(ulong counter, byte* from, byte* to, int length)
    {
        if (_cipherContext == 0)
            CreateContexts();
        int written;
        // 32 bits of block counter and 32 of nonce are zero, then comes the message counter.
        var iv = stackalloc byte[IvSize];
        // SAFETY: the iv is 16 bytes of this frame; both scratches hold the block and the packet.
        new Span<byte>(iv, IvSize / 2).Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(iv + (IvSize / 2), sizeof(ulong)), counter);
        new Span<byte>(from, BlockBytes).Clear();
        var result = EVP_CipherInit_ex2(_cipherContext, 0, null, iv, 1, null);
        result &= EVP_CipherUpdate(_cipherContext, to, &written, from, BlockBytes + length);
        Check(result);
    }

    /// <summary>The tag of a ciphertext without associated data (RFC 8439 §2.8). Its one-time key is erased.</summary>
    private void Authenticate(byte* oneTimeKey, byte* text, int length, byte* tag)
    {
        var padded = (length + LengthsBytes - 1) & ~(LengthsBytes - 1);
        nuint written;
        // SAFETY: MaxBytes leaves room for the padding and the lengths; the tag may lie over them, as it is written last.
        new Span<byte>(text + length, padded - length).Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(text + padded, sizeof(ulong)), 0);
        BinaryPrimitives.WriteUInt64LittleEndian(new Span<byte>(text + padded + sizeof(ulong), sizeof(ulong)), (ulong)length);
        var result = EVP_MAC_init(_macContext, oneTimeKey, KeySize, null);
        result &= EVP_MAC_update(_macContext, text, (nuint)(padded + LengthsBytes));
        result &= EVP_MAC_final(_macContext, tag, &written, TagSize);
        CryptographicOperations.ZeroMemory(new Span<byte>(oneTimeKey, KeySize));
        Check(result);
    }

    private void CreateContexts()
    {
        // An erased key is all zero: to seal with it would be to send in the clear.
        ObjectDisposedException.ThrowIf(_disposed, this);
        _macContext = Check(EVP_MAC_CTX_new(_mac));
        var context = Check(EVP_CIPHER_CTX_new());
        // SAFETY: the key is a pinned array of 32 bytes.
        fixed (byte* key = _key)
            Check(EVP_CipherInit_ex2(context, _cipher, key, null, 1, null));
        _cipherContext = context;
    }
}
