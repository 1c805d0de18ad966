using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Gateway.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>HTTPS with a certificate of one's own or the operator's, and whose forwarded headers are believed.</summary>
public sealed class HttpsTests
{
    private const string Urls = "http://127.0.0.1:0;https://127.0.0.1:0";

    [Fact]
    public async Task Https_WithoutACertificate_AnswersWithOneSignedByItself_KeptOverRestarts()
    {
        using var directory = new TemporaryDirectory();
        string first;
        await using (var host = await TestHost.StartAsync(directory.Path, TestHost.Token, null, "--urls", Urls))
        {
            first = await PresentedAsync(host);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(directory.Path, "https.key")));
        }

        await using var again = await TestHost.StartAsync(directory.Path, TestHost.Token, null, "--urls", Urls);
        Assert.Equal(first, await PresentedAsync(again));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("fingerprint")]
    [InlineData("nothing")]
    [InlineData("another")]
    public async Task CommandLine_TakesTheGatewaysOwnCertificate_OnlyIfItIsNamed(string named)
    {
        await using var host = await TestHost.StartAsync(null, TestHost.Token, null, "--urls", Urls);
        var url = host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(a => a.StartsWith("https", StringComparison.Ordinal));
        await PresentedAsync(host);
        var token = Path.Combine(host.Directory, "cli-token");
        await File.WriteAllTextAsync(token, TestHost.Token);
        var file = Path.Combine(host.Directory, "https.pem");
        using var own = X509CertificateLoader.LoadCertificateFromFile(file);
        string[] certificate = named switch
        {
            "file" => ["--certificate", file],
            "fingerprint" => ["--certificate", string.Join(':', own.GetCertHashString(HashAlgorithmName.SHA256).Chunk(2).Select(c => new string(c)))],
            "another" => ["--certificate", new string('0', 64)],
            _ => [],
        };
        using var output = new StringWriter();
        using var errors = new StringWriter();

        var code = await Gateway.Cli.Program.RunAsync(["status", "--url", url, "--token-file", token, .. certificate], errors, output);

        Assert.True(code == (named is "file" or "fingerprint" ? Gateway.Cli.ExitCodes.Ok : Gateway.Cli.ExitCodes.Unreachable), errors.ToString());
        if (code != Gateway.Cli.ExitCodes.Ok) Assert.Contains("--certificate", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CommandLine_CertificateThatIsNone_IsAnError()
    {
        using var errors = new StringWriter();
        Assert.Equal(Gateway.Cli.ExitCodes.Usage, await Gateway.Cli.Program.RunAsync(["status", "--url", "https://127.0.0.1:1", "--certificate", "/nowhere/at/all"], errors, TextWriter.Null));
        Assert.Contains("https.pem", errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SelfSigned_AMonthBeforeItsEnd_IsRenewedWithoutARestart()
    {
        using var temporary = new TemporaryDirectory();
        using var directory = DataDirectory.Open(temporary.Path);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        using var certificate = new HttpsCertificate(new HttpsOptions(), directory, time, NullLogger<HttpsCertificate>.Instance);
        await certificate.StartAsync(CancellationToken.None);
        var first = certificate.Current!.Thumbprint;
        time.Advance(TimeSpan.FromDays(334));
        Assert.Equal(first, certificate.Current!.Thumbprint);
        time.Advance(TimeSpan.FromDays(2));
        // The service may begin its hours only now.
        await Eventually.True(() =>
        {
            time.Advance(TimeSpan.FromHours(1));
            return Task.FromResult(certificate.Current!.Thumbprint != first);
        }, "another certificate");
        await certificate.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task Https_WithTheOperatorsCertificate_AnswersWithThat()
    {
        using var directory = new TemporaryDirectory();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=gateway.example.org", key, HashAlgorithmName.SHA256).CreateSelfSigned(TimeProvider.System.GetUtcNow(), TimeProvider.System.GetUtcNow().AddDays(9));
        var (file, keyFile) = (Path.Combine(directory.Path, "c.pem"), Path.Combine(directory.Path, "k.pem"));
        await File.WriteAllTextAsync(file, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await using var host = await TestHost.StartAsync(null, TestHost.Token, null, "--urls", Urls, "--Gateway:Https:Certificate", file, "--Gateway:Https:Key", keyFile);
        Assert.Equal(certificate.Thumbprint, await PresentedAsync(host));
    }

    [Fact]
    public async Task Start_CertificateCannotBeRead_SaysSo()
    {
        using var directory = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path, TestHost.Token, null, "--Gateway:Https:Certificate", "/no/such/file.pem"));
        Assert.Contains("/no/such/file.pem", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cookie_OverHttps_IsSecureAndOfThisHostOnly()
    {
        await using var host = await TestHost.StartAsync(null, TestHost.Token, null, "--urls", Urls);
        (await host.SignedInUser("alice", "viewer")).Browser.Dispose();
        using var browser = new Browser(Https(host));
        var answer = await browser.SignIn("alice", AccountSteps.Password);
        var cookie = answer.Message.Headers.GetValues("Set-Cookie").Single(c => c.StartsWith("__Host-gateway=", StringComparison.Ordinal));
        Assert.Contains("secure", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("path=/", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("domain", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(HttpStatusCode.OK, await browser.Call(HttpMethod.Get, "status"));
    }

    [Theory]
    [InlineData(null, "127.0.0.1")]
    [InlineData("10.1.0.0/16", "127.0.0.1")]
    [InlineData("127.0.0.1, 10.1.0.0/16", "192.0.2.7")]
    public async Task ForwardedFor_CountsOnlyFromConfiguredProxies(string? proxies, string expected)
    {
        string[] settings = proxies is null ? [] : ["--Gateway:TrustedProxies", proxies];
        await using var host = await TestHost.StartAsync(null, TestHost.Token, null, settings);
        host.Client.DefaultRequestHeaders.Add("X-Forwarded-For", "192.0.2.7");
        await host.Wg0();
        Assert.Equal(expected, (await host.Get("audit?action=tunnel.create"))["items"]![0]!["from"]!.GetValue<string>());
    }

    [Fact]
    public async Task Start_ProxyThatIsNone_IsNamed()
    {
        using var directory = new TemporaryDirectory();
        var error = await Assert.ThrowsAsync<StartupException>(() => TestHost.StartAsync(directory.Path, TestHost.Token, null, "--Gateway:TrustedProxies", "proxy.example.org"));
        Assert.Contains("proxy.example.org", error.Message, StringComparison.Ordinal);
    }

    private static Uri Https(TestHost host) =>
        new(host.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single(a => a.StartsWith("https", StringComparison.Ordinal)));

    private static async Task<string> PresentedAsync(TestHost host)
    {
        var presented = "";
        using var handler = new HttpClientHandler();
        handler.ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
        {
            presented = certificate!.Thumbprint;
            return true;
        };
        using var client = new HttpClient(handler);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri(Https(host), "/healthz"))).StatusCode);
        return presented;
    }
}
