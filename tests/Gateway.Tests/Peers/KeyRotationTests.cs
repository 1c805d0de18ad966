using System.Net;
using Gateway.Data;
using Gateway.Security;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Gateway.Tests.Peers;

/// <summary>A peer gets new keys over REST; that both work is shown with the engine's own tests.</summary>
public sealed class KeyRotationTests
{
    private const string Key = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";

    [Fact]
    public async Task Rotation_MakesAPairAndKeepsTheOldKeyForTheGraceTime()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        using (await host.Ask(HttpMethod.Get, $"peers/{peer["id"]}/config"))
        {
            // Somebody has it now.
        }

        var rotated = await host.Post($"peers/{peer["id"]}/keys", new { graceSeconds = 3600 }, HttpStatusCode.OK);

        Assert.NotEqual(peer["publicKey"]!.GetValue<string>(), rotated["publicKey"]!.GetValue<string>());
        Assert.Equal(peer["publicKey"]!.GetValue<string>(), rotated["previousPublicKey"]!.GetValue<string>());
        Assert.True(rotated["hasPrivateKey"]!.GetValue<bool>());
        Assert.True(rotated["configChanged"]!.GetValue<bool>());
        // A new key that was never used is replaced by the next; what the peer has goes on working.
        var again = await host.Post($"peers/{peer["id"]}/keys", new { }, HttpStatusCode.OK);
        Assert.NotEqual(rotated["publicKey"]!.GetValue<string>(), again["publicKey"]!.GetValue<string>());
        Assert.Equal(peer["publicKey"]!.GetValue<string>(), again["previousPublicKey"]!.GetValue<string>());
        // Nobody else may take a key that still works.
        Assert.Equal(["publicKey"], await host.Fields(HttpMethod.Post, "tunnels/wg0/peers", new { name = "v", publicKey = peer["publicKey"]!.GetValue<string>() }, HttpStatusCode.Conflict));
        var ended = await host.Post($"peers/{peer["id"]}/keys", new { graceSeconds = 0 }, HttpStatusCode.OK);
        Assert.Null(ended["previousPublicKey"]);
    }

    [Fact]
    public async Task Rotation_ToAGivenKey_KeepsThePresharedKeyAndNoPrivateOne()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        var before = await PresharedKey(host);
        var rotated = await host.Post($"peers/{peer["id"]}/keys", new { publicKey = Key }, HttpStatusCode.OK);
        Assert.Equal(Key, rotated["publicKey"]!.GetValue<string>());
        Assert.False(rotated["hasPrivateKey"]!.GetValue<bool>());
        Assert.Equal(before, await PresharedKey(host));
        Assert.Equal(["publicKey"], await host.Fields(HttpMethod.Post, $"peers/{peer["id"]}/keys", new { publicKey = Key }, HttpStatusCode.Conflict));
        Assert.Equal(["graceSeconds", "publicKey"], await host.Fields(HttpMethod.Post, $"peers/{peer["id"]}/keys", new { publicKey = "x", graceSeconds = -1 }, HttpStatusCode.UnprocessableEntity));
    }

    [Fact]
    public async Task Rotation_NewKeyHasMadeASession_ForgetsTheOldOneForGood()
    {
        await using var host = await TestHost.StartAsync();
        await host.Wg0();
        var peer = await host.Post("tunnels/wg0/peers", new { name = "u" });
        await host.Post($"peers/{peer["id"]}/keys", new { }, HttpStatusCode.OK);
        await using var scope = host.Services.CreateAsyncScope();
        scope.ServiceProvider.GetRequiredService<Caller>().Become(CallerIdentity.System);
        await scope.ServiceProvider.GetRequiredService<Features.Peers.PeerKeys>().ForgetPreviousAsync(Guid.Parse(peer["id"]!.GetValue<string>()), CancellationToken.None);
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        var row = await db.Peers.SingleAsync();
        Assert.Equal((null, null, null), (row.PreviousPublicKey, row.PreviousKeyUntil, row.ProtectedPreviousPresharedKey));
        Assert.Contains(await db.Audit.Select(e => new { e.Action, e.ActorKind }).ToListAsync(), e => e is { Action: "peer.key-replaced", ActorKind: "system" });
    }

    private static async Task<string> PresharedKey(TestHost host)
    {
        await using var db = await host.Services.GetRequiredService<IDbContextFactory<GatewayDbContext>>().CreateDbContextAsync();
        return host.Services.GetRequiredService<SecretVault>().UnprotectPresharedKey((await db.Peers.AsNoTracking().SingleAsync()).ProtectedPresharedKey!).ToBase64();
    }
}
