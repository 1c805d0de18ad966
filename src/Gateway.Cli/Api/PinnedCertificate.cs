using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Cli.Api;

/// <summary>The one certificate that the gateway shall show, whoever signed it and whatever names it has: for a gateway that signs its own.</summary>
internal sealed class PinnedCertificate
{
    private const int FingerprintDigits = 64;
    private readonly byte[] _sha256;

    private PinnedCertificate(byte[] sha256) => _sha256 = sha256;

    /// <summary>Reads a PEM or DER file, or a SHA-256 fingerprint in hexadecimal, with or without colons. Throws <see cref="CommandException"/>.</summary>
    /// <param name="given">What the person gave.</param>
    /// <param name="source">Where they gave it.</param>
    public static PinnedCertificate Read(string given, string source)
    {
        var digits = given.Replace(":", "", StringComparison.Ordinal);
        if (digits.Length == FingerprintDigits && digits.All(char.IsAsciiHexDigit)) return new PinnedCertificate(Convert.FromHexString(digits));
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(given);
            return new PinnedCertificate(SHA256.HashData(certificate.RawData));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CommandException($"{source} \"{given}\" is no certificate ({e.Message.TrimEnd('.')}). Give the file https.pem of the gateway's data directory, or the SHA-256 that its log shows.", ExitCodes.Usage);
        }
    }

    /// <summary>Whether the other end showed this very certificate; for <see cref="SslClientAuthenticationOptions.RemoteCertificateValidationCallback"/>.</summary>
    public bool Allows(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors) =>
        shown is not null && CryptographicOperations.FixedTimeEquals(SHA256.HashData(shown.GetRawCertData()), _sha256);

    /// <summary>What to do where a certificate was not accepted; empty where something else went wrong.</summary>
    public static string Hint(HttpRequestException exception) => exception.InnerException is AuthenticationException
        ? " Its certificate is not trusted: if the gateway signed it itself, say with --certificate which one it is." : "";
}
