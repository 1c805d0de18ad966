using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Gateway.Web;

namespace Gateway.Features.Backup;

/// <summary>
/// The first 56 bytes of a backup file, the only ones that are not encrypted:
/// "GWBACKUP", format (2), key derivation (1), cipher (1), iterations (4), salt (16), nonce prefix (7), zero (1), check value (16). Numbers are little-endian.
/// The check value tells a wrong passphrase from a damaged file.
/// </summary>
internal sealed class BackupHeader
{
    public const int Bytes = SignedBytes + CheckBytes;
    public const int NoncePrefixBytes = 7;

    /// <summary>The format that this version writes, and the newest that it reads.</summary>
    public const ushort Format = 1;

    private const int SignedBytes = 40;
    private const int CheckBytes = 16;
    private const byte Pbkdf2Sha512 = 1;
    private const byte Aes256Gcm = 1;
    private const uint Iterations = 210_000; // OWASP Password Storage Cheat Sheet, for PBKDF2-HMAC-SHA512
    private const uint MostIterations = 10_000_000; // a hostile file shall not cost more than some seconds

    private BackupHeader(byte[] bytes, byte[] key) => (Raw, Key) = (bytes, key);

    /// <summary>All of it, as it stands in the file. It is authenticated with every piece.</summary>
    public byte[] Raw { get; }

    public byte[] Key { get; }

    public ReadOnlySpan<byte> NoncePrefix => Raw.AsSpan(32, NoncePrefixBytes);

    private static ReadOnlySpan<byte> Magic => "GWBACKUP"u8;

    public static BackupHeader Create(string passphrase)
    {
        var bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(8), Format);
        (bytes[10], bytes[11]) = (Pbkdf2Sha512, Aes256Gcm);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), Iterations);
        RandomNumberGenerator.Fill(bytes.AsSpan(16, 16 + NoncePrefixBytes));
        var (key, check) = Derive(bytes, passphrase);
        check.CopyTo(bytes.AsSpan(SignedBytes));
        return new BackupHeader(bytes, key);
    }

    public static async Task<Outcome<BackupHeader>> ReadAsync(Stream file, string passphrase, CancellationToken cancellationToken)
    {
        var bytes = new byte[Bytes];
        if (await file.ReadAtLeastAsync(bytes, Bytes, throwOnEndOfStream: false, cancellationToken) < Bytes || !bytes.AsSpan().StartsWith(Magic))
            return Refuse("It is no backup of a gateway.", "Send a file that 'POST /api/v1/backup' gave.");
        var format = BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8));
        if (format > Format) return Refuse($"It has format {format}, written by a newer gateway; this one reads up to {Format}.", "Update this gateway first.");
        var iterations = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12));
        if (format == 0 || bytes[10] != Pbkdf2Sha512 || bytes[11] != Aes256Gcm || iterations is 0 or > MostIterations) return Damaged();
        var (key, check) = Derive(bytes, passphrase);
        return CryptographicOperations.FixedTimeEquals(check, bytes.AsSpan(SignedBytes))
            ? new BackupHeader(bytes, key)
            : Failure.Of(FailureKind.Rule, "passphrase", "It does not open this file.", "Give the passphrase that the backup was made with. Nothing was changed.");
    }

    public static Failure Damaged() => Refuse("It is damaged or cut short.", "Take another copy of it. Nothing was changed.");

    public static Failure Refuse(string detail, string expected) => Failure.Of(FailureKind.Rule, "file", detail, expected);

    private static (byte[] Key, byte[] Check) Derive(byte[] header, string passphrase)
    {
        var iterations = (int)BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12));
        // The same characters may be typed in several ways (Unicode Standard Annex 15).
        var derived = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(passphrase.Normalize(NormalizationForm.FormC)), header.AsSpan(16, 16), iterations, HashAlgorithmName.SHA512, 64);
        return (derived[..32], HMACSHA256.HashData(derived.AsSpan(32), header.AsSpan(0, SignedBytes))[..CheckBytes]);
    }
}
