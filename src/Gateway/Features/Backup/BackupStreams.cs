using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Gateway.Features.Backup;

/// <summary>What both directions share: pieces of 64 KiB under AES-256-GCM, the nonce made of prefix, number and whether it is the last (the STREAM construction).</summary>
internal abstract class BackupStream(Stream file, BackupHeader header) : Stream
{
    protected const int PieceBytes = 64 * 1024;
    protected const int TagBytes = 16;

    private readonly byte[] _nonce = [.. header.NoncePrefix, 0, 0, 0, 0, 0];

    protected Stream File { get; } = file;

    protected AesGcm Cipher { get; } = new(header.Key, TagBytes);

    protected byte[] Associated { get; } = header.Raw;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected ReadOnlySpan<byte> Nonce(uint piece, bool isLast)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_nonce.AsSpan(BackupHeader.NoncePrefixBytes), piece);
        _nonce[^1] = isLast ? (byte)1 : (byte)0;
        return _nonce;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) Cipher.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>Encrypts what is written. <see cref="Finish"/> writes the last piece: without it the file counts as cut short.</summary>
internal sealed class EncryptingStream(Stream file, BackupHeader header) : BackupStream(file, header)
{
    private readonly byte[] _plain = new byte[PieceBytes];
    private readonly byte[] _sealed = new byte[PieceBytes + TagBytes];
    private int _filled;
    private uint _piece;

    public override bool CanRead => false;

    public override bool CanWrite => true;

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            // A full piece goes only when more comes: the last one has its mark.
            if (_filled == PieceBytes) Seal(isLast: false);
            var bytes = Math.Min(PieceBytes - _filled, buffer.Length);
            buffer[..bytes].CopyTo(_plain.AsSpan(_filled));
            _filled += bytes;
            buffer = buffer[bytes..];
        }
    }

    public override void Flush()
    {
    }

    public void Finish() => Seal(isLast: true);

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private void Seal(bool isLast)
    {
        Cipher.Encrypt(Nonce(_piece++, isLast), _plain.AsSpan(0, _filled), _sealed.AsSpan(0, _filled), _sealed.AsSpan(_filled, TagBytes), Associated);
        File.Write(_sealed.AsSpan(0, _filled + TagBytes));
        _filled = 0;
    }
}

/// <summary>Decrypts what is read. Throws <see cref="InvalidDataException"/> where a piece was changed or the end is missing.</summary>
internal sealed class DecryptingStream(Stream file, BackupHeader header) : BackupStream(file, header)
{
    private readonly byte[] _plain = new byte[PieceBytes];
    private byte[] _current = new byte[PieceBytes + TagBytes];
    private byte[] _next = new byte[PieceBytes + TagBytes];
    private int _nextBytes = -1;
    private int _from;
    private int _to;
    private uint _piece;

    public override bool CanRead => true;

    public override bool CanWrite => false;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("it may come from the network: read it asynchronously");

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_from == _to && !await OpenAsync(cancellationToken)) return 0;
        var bytes = Math.Min(buffer.Length, _to - _from);
        _plain.AsSpan(_from, bytes).CopyTo(buffer.Span);
        _from += bytes;
        return bytes;
    }

    public override void Flush()
    {
    }

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private async Task<bool> OpenAsync(CancellationToken cancellationToken)
    {
        if (_nextBytes < 0) _nextBytes = await FillAsync(cancellationToken);
        if (_nextBytes == 0) return _piece > 0 ? false : throw new InvalidDataException("no piece");
        (_current, _next) = (_next, _current);
        var bytes = _nextBytes;
        _nextBytes = await FillAsync(cancellationToken);
        if (bytes < TagBytes) throw new InvalidDataException("a piece without a tag");
        try
        {
            (_from, _to) = (0, bytes - TagBytes);
            Cipher.Decrypt(Nonce(_piece++, isLast: _nextBytes == 0), _current.AsSpan(0, _to), _current.AsSpan(_to, TagBytes), _plain.AsSpan(0, _to), Associated);
        }
        catch (AuthenticationTagMismatchException e)
        {
            throw new InvalidDataException("a piece was changed", e);
        }

        return _to > 0;
    }

    private ValueTask<int> FillAsync(CancellationToken cancellationToken) => File.ReadAtLeastAsync(_next, _next.Length, throwOnEndOfStream: false, cancellationToken);
}
