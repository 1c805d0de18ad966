using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Gateway.Hosting;

/// <summary>
/// The certificate of the addresses that begin with https: the operator's, read again when its files change (certbot and its like replace them), or
/// one signed by itself, made when it is first needed and renewed a month before its end.
/// </summary>
internal sealed partial class HttpsCertificate(HttpsOptions options, DataDirectory directory, TimeProvider time, ILogger<HttpsCertificate> logger) : BackgroundService
{
    /// <summary>Browsers take no more from a certificate (CA/Browser Forum Baseline Requirements §6.3.2), and a year is easy to reason about.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(365);

    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);
    private static readonly TimeSpan LookEvery = TimeSpan.FromHours(1);
    private readonly Lock _gate = new();
    private volatile X509Certificate2? _current;
    private DateTime _readFrom;

    public bool IsSelfSigned => options.Certificate is null;

    /// <summary>The one to answer with now; null if the operator's cannot be read.</summary>
    public X509Certificate2? Current => _current ?? Refresh();

    /// <summary>Reads the operator's certificate, so that a wrong setting stops the start in plain words. Throws <see cref="StartupException"/>.</summary>
    public void Check()
    {
        if (options.Certificate is null) return;
        try
        {
            _ = Current;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StartupException($"Gateway:Https:Certificate '{options.Certificate}' with the key '{options.Key}' cannot be used ({e.Message.TrimEnd('.')}). Give PEM files, the key not encrypted and belonging to the certificate.");
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (_current is null) continue;
            try
            {
                Refresh();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
            {
                LogKept(e.Message);
            }
        }
    }

    private X509Certificate2 Refresh()
    {
        lock (_gate) return _current = options.Certificate is { } file ? ReadOperators(file) : SelfSigned();
    }

    private X509Certificate2 ReadOperators(string file)
    {
        var changed = File.GetLastWriteTimeUtc(file);
        if (_current is { } same && changed == _readFrom) return same;
        var certificate = X509Certificate2.CreateFromPemFile(file, options.Key);
        _readFrom = changed;
        LogRead(file, certificate.NotAfter);
        return certificate;
    }

    private X509Certificate2 SelfSigned()
    {
        var (file, key) = (Path.Combine(directory.Path, "https.pem"), Path.Combine(directory.Path, "https.key"));
        var now = time.GetUtcNow();
        if (_current is { } good && good.NotAfter.ToUniversalTime() - RenewBefore > now.UtcDateTime) return good;
        if (File.Exists(file) && File.Exists(key))
        {
            var kept = X509Certificate2.CreateFromPemFile(file, key);
            if (kept.NotAfter.ToUniversalTime() - RenewBefore > now.UtcDateTime) return kept;
        }

        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Gateway", pair, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        if (!Environment.MachineName.Equals("localhost", StringComparison.OrdinalIgnoreCase)) names.AddDnsName(Environment.MachineName);
        names.AddIpAddress(IPAddress.Loopback);
        names.AddIpAddress(IPAddress.IPv6Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        using var made = request.CreateSelfSigned(now.AddHours(-1), now + Lifetime);
        DataDirectory.WriteOwnerOnly(key, pair.ExportPkcs8PrivateKeyPem());
        DataDirectory.WriteOwnerOnly(file, made.ExportCertificatePem());
        var fingerprint = made.GetCertHashString(HashAlgorithmName.SHA256);
        LogMade(file, made.NotAfter, fingerprint);
        return X509Certificate2.CreateFromPemFile(file, key);
    }

    [LoggerMessage(EventId = 1806, Level = LogLevel.Information, Message = "Made a certificate for HTTPS signed by itself: {File}, until {Until:d}, SHA-256 {Fingerprint}")]
    private partial void LogMade(string file, DateTime until, string fingerprint);

    [LoggerMessage(EventId = 1807, Level = LogLevel.Information, Message = "The certificate for HTTPS is {File}, until {Until:d}")]
    private partial void LogRead(string file, DateTime until);

    [LoggerMessage(EventId = 1808, Level = LogLevel.Warning, Message = "The certificate for HTTPS could not be read again, and the one before stays: {Reason}")]
    private partial void LogKept(string reason);
}

/// <summary>The settings under <c>Gateway:Https:</c>.</summary>
internal sealed class HttpsOptions
{
    /// <summary>The certificate with its chain, PEM. Without one, addresses that begin with https get one signed by itself.</summary>
    public string? Certificate { get; init; }

    /// <summary>Its private key, PEM, not encrypted; null: it is in the same file.</summary>
    public string? Key { get; init; }

    public static HttpsOptions Read(IConfigurationSection section, List<string> errors)
    {
        foreach (var child in section.GetChildren().Where(c => !c.Key.Equals(nameof(Certificate), StringComparison.OrdinalIgnoreCase) && !c.Key.Equals(nameof(Key), StringComparison.OrdinalIgnoreCase)))
            errors.Add($"{child.Path} is not a setting; under {section.Path} there are Certificate and Key.");
        var options = new HttpsOptions { Certificate = section[nameof(Certificate)], Key = section[nameof(Key)] };
        if (options.Key is not null && options.Certificate is null) errors.Add($"{section.Path}:Key is given without {section.Path}:Certificate; give both.");
        return options;
    }
}
