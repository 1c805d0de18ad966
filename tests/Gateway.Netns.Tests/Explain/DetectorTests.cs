using System.Diagnostics;
using System.Text.Json.Nodes;
using Gateway.Contracts.Live;
using Gateway.Netns.Tests.Harness;
using Gateway.Netns.Tests.Soak;
using Xunit;
using static Gateway.Netns.Tests.Explain.MatrixLab;

namespace Gateway.Netns.Tests.Explain;

/// <summary>What is broken is noticed without a question; what is not raises nothing.</summary>
public sealed class DetectorTests
{
    private static readonly string[] s_alarms =
        [EventKinds.OneWayFlow, EventKinds.MtuBlackHole, EventKinds.HandshakeRefused, EventKinds.PresharedKey, EventKinds.OldTimestamp, EventKinds.EndpointFlapping];

    [Fact]
    public async Task BrokenConversations_AreRaisedWithTheirCause()
    {
        await using var lab = await MatrixLab.Create();
        await Sh(lab.V, "ip route del default");
        await using (lab.U.Start("ping", "-i", "0.3", V4))
        {
            var raised = await Raised(lab, EventKinds.OneWayFlow);
            Assert.Equal("host-u", raised["peer"]!.GetValue<string>());
            Assert.Equal("way-back", raised["evidence"]!["hop"]!.GetValue<string>());
            Assert.Contains("ip route replace 192.168.53.0/24 via 192.168.60.1", raised["remedy"]!.GetValue<string>(), StringComparison.Ordinal);
            var recording = await lab.Api.Get($"recordings/{raised["evidence"]!["recording"]!.GetValue<string>()}");
            Assert.Contains(recording["packets"]!.AsArray(), p => p!["summary"]!.GetValue<string>().Contains("192.168.53.99 > 192.168.60.101: ICMP echo request", StringComparison.Ordinal));
        }

        await lab.Restore();
        await Sh(lab.V, "ip link set eth0 mtu 1280");
        await using (lab.U.Start("ping", "-i", "0.3", "-s", "1300", "-M", "dont", V4))
        await using (lab.U.Start("ping", "-i", "0.4", V4))
        {
            Assert.Contains("1328 bytes", (await Raised(lab, EventKinds.MtuBlackHole))["text"]!.GetValue<string>(), StringComparison.Ordinal);
        }

        // UDP need not be answered; that a rule of the gateway drops it is certain all the same.
        await lab.Restore();
        await Sh(lab.Gw, "nft 'table inet filter { chain forward { type filter hook forward priority 0; udp dport 514 drop; }; }'");
        await using (lab.U.Start("bash", "-c", $"while sleep 0.5; do echo hello > /dev/udp/{V4}/514; done"))
        {
            var raised = await Raised(lab, EventKinds.OneWayFlow, e => e["evidence"]!["protocol"]!.GetValue<string>() == "udp");
            Assert.Equal("firewall", raised["evidence"]!["hop"]!.GetValue<string>());
        }
    }

    [Fact]
    public Task AMinuteOfMixedTraffic_RaisesNothing() => Healthy(TimeSpan.FromSeconds(50));

    [Fact(Explicit = true)]
    public Task LongMixedTraffic_RaisesNothing() => Healthy(SoakTime.Long);

    /// <summary>
    /// What clients do: pings of all sizes, some of which get lost; connections both ways, one that lasts and pauses, and many short ones; names asked
    /// for; things sent that nobody answers by design; the client moves to another address and is restarted, which makes a new session.
    /// </summary>
    private static async Task Healthy(TimeSpan duration)
    {
        await using var lab = await MatrixLab.Create();
        await Sh(lab.V, "nft 'table inet loss { chain in { type filter hook input priority 0; icmp type echo-request numgen random mod 8 == 0 drop; }; }'");
        await using var atU = lab.U.Start("/usr/bin/python3", "-c", Echo);
        await using var atV = lab.V.Start("/usr/bin/python3", "-c", Echo);
        await atU.Says("ready");
        await atV.Says("ready");
        await using var pings = lab.U.Start("ping", "-i", "0.5", V4);
        await using var large = lab.U.Start("ping", "-i", "0.7", "-s", "1300", V6);
        await using var syslog = lab.U.Start("bash", "-c", $"while sleep 1; do echo hello > /dev/udp/{V4}/514; done");
        await using var toV = lab.U.Start("/usr/bin/python3", "-c", Talk, V4);
        await using var toU = lab.V.Start("/usr/bin/python3", "-c", Talk, "192.168.53.99");
        var clock = Stopwatch.StartNew();
        var hasMoved = false;
        while (clock.Elapsed < duration)
        {
            await Eventually.True(() => lab.Passes(new Question(V4, "tcp", 23)), "a connection to V");
            await Eventually.True(() => lab.Passes(new Question(V6)), "an answer from V");
            if (hasMoved || clock.Elapsed < duration / 3) continue;
            hasMoved = true;
            await Sh(lab.U, "ip addr add 10.0.2.17/24 dev eth0; ip addr del 10.0.2.7/24 dev eth0; ip addr add 10.0.2.7/24 dev eth0");
            await lab.StartClient();
            await Eventually.True(() => lab.Passes(new Question(V4)), "an answer after the move");
        }

        var events = (await lab.Api.Get("events?limit=100"))["items"]!.AsArray();
        Assert.Equal([], events.Where(e => s_alarms.Contains(e!["kind"]!.GetValue<string>())).Select(e => e!.ToJsonString()));
    }

    // Answers whatever comes on UDP 53 and TCP 7.
    private const string Echo = """
        import socket, threading
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 53))
        t = socket.create_server(('', 7))
        def names():
            while True:
                d, a = u.recvfrom(2000); u.sendto(d, a)
        def serve(c):
            while True:
                d = c.recv(65536)
                if not d: break
                c.sendall(d)
            c.close()
        threading.Thread(target=names, daemon=True).start()
        print('ready', flush=True)
        while True:
            c, _ = t.accept()
            threading.Thread(target=serve, args=(c,), daemon=True).start()
        """;

    // One connection that carries much, pauses and carries much again; beside it names and short connections.
    private const string Talk = """
        import socket, sys, threading, time
        host = sys.argv[1]
        def whole(c, n):
            c.settimeout(20)
            while n:
                d = c.recv(65536)
                if not d: raise OSError('closed')
                n -= len(d)
        def long():
            while True:
                try:
                    with socket.create_connection((host, 7), 5) as c:
                        for pause in (0.1, 7, 1, 4):
                            c.sendall(b'x' * 30000); whole(c, 30000); time.sleep(pause)
                except OSError: time.sleep(1)
        threading.Thread(target=long, daemon=True).start()
        while True:
            try:
                with socket.create_connection((host, 7), 5) as c: c.sendall(b'hello'); whole(c, 5)
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
                    u.settimeout(2); u.sendto(b'name?', (host, 53)); u.recv(2000)
            except OSError: pass
            time.sleep(0.5)
        """;

    private static Task<JsonNode> Raised(MatrixLab lab, string kind, Func<JsonNode, bool>? which = null) => Eventually.Get(
        async () => (await lab.Api.Get("events?limit=100"))["items"]!.AsArray().FirstOrDefault(e => e!["kind"]!.GetValue<string>() == kind && which?.Invoke(e) != false), $"the event {kind}", TimeSpan.FromSeconds(40));
}
