using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Gateway.Tests.Accounts;

/// <summary>Authenticator app and recovery codes; where passkeys cannot be, the page says why.</summary>
public sealed partial class SecondFactorTests
{
    [Fact]
    public async Task Authenticator_Enrolled_IsAskedForAndEachCodeWorksOnce()
    {
        await using var host = await TestHost.StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "viewer");
        var (key, codes) = await EnrolAsync(browser);
        browser.Dispose();
        Assert.Equal(10, codes.Length);
        Assert.True((await host.Get($"users/{id}"))["secondFactor"]!.GetValue<bool>());

        using var fresh = new Browser(host.Address);
        Assert.Equal("/account/second-factor", (await fresh.SignIn("alice", AccountSteps.Password)).Location);
        Assert.Equal(HttpStatusCode.Unauthorized, await fresh.Call(HttpMethod.Get, "status"));
        Assert.NotNull((await fresh.Submit("/account/second-factor", ("Code", "000000"))).Problem);
        var code = Code(key, 1);
        Assert.Equal("/", (await fresh.Submit("/account/second-factor", ("Code", code))).Location);
        Assert.Equal(HttpStatusCode.OK, await fresh.Call(HttpMethod.Get, "status"));

        using var thief = new Browser(host.Address);
        await thief.SignIn("alice", AccountSteps.Password);
        Assert.NotNull((await thief.Submit("/account/second-factor", ("Code", code))).Problem);
        Assert.Contains((await host.Get("audit?action=sign-in.failed"))["items"]!.AsArray(), e => e!["after"]!["reason"]!.GetValue<string>() == "code used before");
    }

    [Fact]
    public async Task Audit_TellsOfBegunSetUpsAndOfWrongCodesAndPasswords()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        using var alice = browser;
        var key = Key().Match((await browser.Open("/account/authenticator")).Html).Groups[1].Value;
        Assert.NotNull((await browser.Submit("/account/authenticator", ("Code", "000000"))).Problem);
        Assert.NotNull((await browser.Submit("/account/password", ("Current", "not my password"), ("Password", "another horse battery"), ("Repeated", "another horse battery"))).Problem);
        Assert.Single((await host.Get("audit?action=user.begin-second-factor"))["items"]!.AsArray());
        var refused = (await host.Get("audit?action=user.not-confirmed&subject=alice"))["items"]!.AsArray();
        Assert.Equal(["wrong password", "wrong code"], refused.Select(e => e!["after"]!["reason"]!.GetValue<string>()));

        // What was begun and not finished is begun anew after the next sign-in.
        using var fresh = new Browser(host.Address);
        await fresh.SignIn("alice", AccountSteps.Password);
        Assert.NotEqual(key, Key().Match((await fresh.Open("/account/authenticator")).Html).Groups[1].Value);
    }

    [Fact]
    public async Task RecoveryCode_WorksOnce()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        var (_, codes) = await EnrolAsync(browser);
        browser.Dispose();
        foreach (var expected in new[] { "/", null })
        {
            using var fresh = new Browser(host.Address);
            await fresh.SignIn("alice", AccountSteps.Password);
            Assert.Equal(expected, (await fresh.Submit("/account/second-factor", ("Code", codes[0]))).Location);
        }
    }

    [Fact]
    public async Task SecondFactor_ResetByAnAdmin_IsAskedForNoMoreAndSessionsEnd()
    {
        await using var host = await TestHost.StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "viewer");
        await EnrolAsync(browser);
        await host.Delete($"users/{id}/second-factor");
        Assert.Equal(HttpStatusCode.Unauthorized, await browser.Call(HttpMethod.Get, "status"));
        browser.Dispose();
        using var fresh = new Browser(host.Address);
        Assert.Equal("/", (await fresh.SignIn("alice", AccountSteps.Password)).Location);
    }

    [Fact]
    public async Task Invitation_OfWhoHasASecondFactor_StillAsksForIt()
    {
        await using var host = await TestHost.StartAsync();
        var (id, browser) = await host.SignedInUser("alice", "viewer");
        await EnrolAsync(browser);
        browser.Dispose();
        var link = new Uri((await host.Post($"users/{id}/invitation", new { }, HttpStatusCode.OK))["invitationLink"]!.GetValue<string>()).AbsolutePath;
        using var fresh = new Browser(host.Address);
        Assert.Equal("/account/second-factor", (await fresh.Submit(link, ("Password", "another horse battery"), ("Repeated", "another horse battery"))).Location);
        Assert.Equal(HttpStatusCode.Unauthorized, await fresh.Call(HttpMethod.Get, "status"));
    }

    [Fact]
    public async Task Secrets_OfTheSecondFactor_AreEncryptedAtRest()
    {
        using var directory = new TemporaryDirectory();
        string key;
        string[] codes;
        await using (var host = await TestHost.StartAsync(directory.Path))
        {
            var (_, browser) = await host.SignedInUser("alice", "viewer");
            (key, codes) = await EnrolAsync(browser);
            browser.Dispose();
            Assert.All(codes.Append(key), secret => Assert.DoesNotContain(host.Log.Lines, l => l.Contains(secret, StringComparison.Ordinal)));
        }

        var stored = string.Concat(Directory.EnumerateFiles(directory.Path, "gateway.db*").Select(f => Encoding.Latin1.GetString(File.ReadAllBytes(f))));
        Assert.All(codes.Append(key), secret => Assert.DoesNotContain(secret, stored, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Passkeys_PageOpenedByAnAddress_SaysWhyThereAreNone()
    {
        await using var host = await TestHost.StartAsync();
        var (_, browser) = await host.SignedInUser("alice", "viewer");
        using var alice = browser;
        var page = await browser.Open("/account/passkeys");
        Assert.Contains("belong to a host name", page.Html, StringComparison.Ordinal);
        Assert.DoesNotContain("data-passkey", page.Html, StringComparison.Ordinal);
        using var anonymous = new Browser(host.Address);
        Assert.DoesNotContain("data-passkey", (await anonymous.Open("/account/sign-in")).Html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Passkey_ChallengeWithoutAntiforgeryToken_IsRefused()
    {
        await using var host = await TestHost.StartAsync();
        using var browser = new Browser(host.Address);
        Assert.Equal(HttpStatusCode.BadRequest, (await browser.Post("/account/passkeys/request", [])).Status);
        var creation = await browser.Post("/account/passkeys/creation", []);
        Assert.Equal(HttpStatusCode.Unauthorized, creation.Status);
    }

    internal static async Task<(string Key, string[] Codes)> EnrolAsync(Browser browser)
    {
        var page = await browser.Open("/account/authenticator");
        Assert.Contains("<svg", page.Html, StringComparison.Ordinal);
        var key = Key().Match(page.Html).Groups[1].Value.Replace(" ", "", StringComparison.Ordinal);
        var done = await browser.Submit("/account/authenticator", ("Code", Code(key, 0)));
        Assert.True(done.Status == HttpStatusCode.OK && done.Problem is null, done.Problem ?? done.Html);
        return (key, [.. Codes().Matches(done.Html).Select(m => m.Groups[1].Value)]);
    }

    /// <summary>RFC 6238 with SHA-1, 30 s, six digits; so many steps from now.</summary>
    private static string Code(string key, int steps)
    {
        var bits = string.Concat(key.Select(c => Convert.ToString("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".IndexOf(c, StringComparison.Ordinal), 2).PadLeft(5, '0')));
        var secret = Enumerable.Range(0, bits.Length / 8).Select(i => Convert.ToByte(bits.Substring(i * 8, 8), 2)).ToArray();
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, (TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() / 30) + steps);
#pragma warning disable CA5350 // What authenticator apps do.
        var hash = HMACSHA1.HashData(secret, counter);
#pragma warning restore CA5350
        var number = BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(hash[^1] & 15)) & 0x7fffffff;
        return (number % 1_000_000).ToString("D6", CultureInfo.InvariantCulture);
    }

    [GeneratedRegex("key into it: <code>([A-Z2-7 ]+)</code>")]
    private static partial Regex Key();

    [GeneratedRegex("<li><code>([^<]+)</code></li>")]
    private static partial Regex Codes();
}
