using Gateway.Engine;
using Xunit;

namespace Gateway.Tests.Cli;

/// <summary>The wg-quick file format: what is taken, and what each mistake is told as.</summary>
public sealed class WgQuickFileTests
{
    private const string PrivateKey = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
    private const string PublicKey = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
    private const string OtherPublicKey = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";
    private const string PresharedKey = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";
    private const string Minimal = $"[Interface]\nPrivateKey = {PrivateKey}\n";

    private static WgQuickFile Read(string text)
    {
        Assert.True(WgQuickFile.TryParse(text, out var file, out var errors), string.Join('\n', errors));
        Assert.Empty(errors);
        return file;
    }

    private static WgQuickError[] Mistakes(string text)
    {
        Assert.False(WgQuickFile.TryParse(text, out var file, out var errors));
        Assert.Null(file);
        return [.. errors];
    }

    [Fact]
    public void File_WithEverything_IsRead()
    {
        var file = Read($"""
            # a comment
            [Interface]
            PrivateKey = {PrivateKey}
            ListenPort = 51820
            FwMark = 0xca6c
            Address = 10.0.0.2/24, fd00::2/64
            Address = 10.9.9.9
            DNS = 1.1.1.1, example.org, 2606:4700::1111
            MTU = 1380
            Table = off
            PreUp = echo one
            PostUp = iptables -A FORWARD -i %i -j ACCEPT; x=y
            PreDown = echo two
            PostDown = echo three
            SaveConfig = true

            [Peer]
            PublicKey = {PublicKey} # a comment behind
            PresharedKey = {PresharedKey}
            AllowedIPs = 10.0.0.1/32, 192.168.60.77/24
            AllowedIPs = fd00::/64, 192.168.60.0/24
            Endpoint = vpn.example.com:51820
            PersistentKeepalive = 25
            """);
        Assert.Equal(PrivateKey, file.PrivateKey.ToBase64());
        Assert.Equal(51820, file.ListenPort);
        Assert.Equal(0xca6cu, file.FirewallMark);
        Assert.Equal(["10.0.0.2/24", "fd00::2/64", "10.9.9.9/32"], file.Addresses.Select(a => a.ToString()));
        Assert.Equal(["1.1.1.1", "2606:4700::1111"], file.DnsServers.Select(a => a.ToString()));
        Assert.Equal(["example.org"], file.DnsSearch);
        Assert.Equal(1380, file.Mtu);
        Assert.Equal(("off", 10), (file.Table, file.TableLine));
        Assert.True(file.SaveConfig);
        Assert.Equal([(11, "PreUp"), (12, "PostUp"), (13, "PreDown"), (14, "PostDown")], file.Hooks.Select(h => (h.Line, h.Key)));
        Assert.Equal("iptables -A FORWARD -i %i -j ACCEPT; x=y", file.Hooks[1].Command);
        var peer = Assert.Single(file.Peers);
        Assert.Equal(PublicKey, peer.PublicKey.ToString());
        Assert.Equal(PresharedKey, peer.PresharedKey?.ToBase64());
        Assert.Equal(["10.0.0.1/32", "192.168.60.0/24", "fd00::/64"], peer.AllowedIps.Select(p => p.ToString()));
        Assert.Equal(new WgQuickEndpoint("vpn.example.com", 51820), peer.Endpoint);
        Assert.Equal(TimeSpan.FromSeconds(25), peer.PersistentKeepalive);
    }

    [Fact]
    public void File_InAnyCaseWithWindowsLinesAndByteOrderMark_IsRead()
    {
        var file = Read($"\uFEFF[INTERFACE]\r\nprivatekey={PrivateKey}\r\nfwmark=off\r\n[peer]\r\npublickey={PublicKey}\r\nallowedips=\r\npersistentkeepalive=OFF\r\nendpoint=[2001:db8::1]:1\r\n");
        Assert.Equal(0u, file.FirewallMark);
        Assert.Empty(file.Peers[0].AllowedIps);
        Assert.Equal("[2001:db8::1]:1", file.Peers[0].Endpoint!.Numeric!.ToString());
    }

    [Fact]
    public void PresharedKey_OfZeros_IsNone() =>
        Assert.Null(Read($"{Minimal}[Peer]\nPublicKey={PublicKey}\nPresharedKey={new string('A', 43)}=").Peers[0].PresharedKey);

    [Theory]
    [InlineData("PrivateKey = abc", "PrivateKey", "base64")]
    [InlineData("ListenPort = 65536", "ListenPort \"65536\"", "65535")]
    [InlineData("ListenPort = -1", "ListenPort", "65535")]
    [InlineData("ListenPort = +1", "ListenPort", "65535")]
    [InlineData("FwMark = 0x1ffffffff", "FwMark", "0xffffffff")]
    [InlineData("FwMark = none", "FwMark", "off")]
    [InlineData("Address = 10.0.0.1/33", "Address \"10.0.0.1/33\"", "10.0.0.2/24")]
    [InlineData("Address = 10.1", "Address", "10.0.0.2/24")]
    [InlineData("Address = 010.0.0.1/8", "Address", "10.0.0.2/24")]
    [InlineData("Address = fe80::1%lo/64", "Address", "fd00::2/64")]
    [InlineData("Address = [::1]/64", "Address", "fd00::2/64")]
    [InlineData("DNS = 1.1.1", "DNS", "address")]
    [InlineData("MTU = 100", "MTU \"100\"", "576")]
    [InlineData("MTU = 70000", "MTU", "65535")]
    [InlineData("SaveConfig = yes", "SaveConfig", "true")]
    [InlineData("Table = my table", "Table", "auto")]
    [InlineData("Adress = 10.0.0.1/24", "\"Adress\"", "Address")]
    [InlineData("AllowedIPs = 10.0.0.0/8", "AllowedIPs", "[Peer]")]
    [InlineData("MTU", "\"MTU\"", "Key = value")]
    [InlineData("MTU =", "MTU", "no value")]
    [InlineData("= 5", "\"= 5\"", "Key = value")]
    [InlineData("[Intreface]", "[Intreface]", "[Peer]")]
    public void Interface_WithAMistake_NamesLineAndRemedy(string line, string names, string remedy)
    {
        var text = line.StartsWith("PrivateKey", StringComparison.Ordinal) ? $"[Interface]\n\n{line}\n" : $"{Minimal}{line}\n";
        var mistake = Assert.Single(Mistakes(text));
        Assert.Equal(3, mistake.Line);
        Assert.Contains(names, mistake.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, mistake.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("PresharedKey = abc", "PresharedKey")]
    [InlineData("AllowedIPs = 10.0.0.0/8, 10.0.0/8", "\"10.0.0/8\"")]
    [InlineData("AllowedIPs = 10.0.0.0/-1", "AllowedIPs")]
    [InlineData("AllowedIPs = ::/129", "AllowedIPs")]
    [InlineData("Endpoint = 192.0.2.1", "Endpoint")]
    [InlineData("Endpoint = 192.0.2.1:0", "Endpoint")]
    [InlineData("Endpoint = 192.0.2.300:1", "Endpoint")]
    [InlineData("Endpoint = 2001:db8::1:51820", "Endpoint")]
    [InlineData("Endpoint = [vpn.example.com]:51820", "Endpoint")]
    [InlineData("Endpoint = a..b:1", "Endpoint")]
    [InlineData("Endpoint = $(reboot):1", "Endpoint")]
    [InlineData("PersistentKeepalive = 65536", "PersistentKeepalive")]
    [InlineData("MTU = 1400", "[Interface]")]
    [InlineData("Nonsense = 1", "\"Nonsense\"")]
    public void Peer_WithAMistake_NamesItsLine(string line, string names)
    {
        var mistake = Assert.Single(Mistakes($"{Minimal}[Peer]\nPublicKey = {PublicKey}\n{line}\n"));
        Assert.Equal(5, mistake.Line);
        Assert.Contains(names, mistake.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ListenPort = 1")]
    [InlineData("MTU = 1400")]
    [InlineData("SaveConfig = false")]
    public void Key_GivenAgain_NamesBothLines(string line)
    {
        var mistake = Assert.Single(Mistakes($"{Minimal}{line}\n# between\n{line}\n"));
        Assert.Equal(5, mistake.Line);
        Assert.Contains("line 3", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_OfTheWholeFile_AreAllToldInOrder()
    {
        var mistakes = Mistakes($"MTU = 1\n[Interface]\nMTU = 1\nFoo = 2\n[Peer]\nAllowedIPs = 10.0.0.0/8\n[Peer]\nPublicKey = {PublicKey}\nAllowedIPs = 10.1.2.3/8\n[Peer]\nPublicKey = {PublicKey}\n[Interface]\n");
        Assert.Equal([1, 2, 3, 4, 5, 9, 11, 12], mistakes.Select(m => m.Line));
    }

    [Fact]
    public void Prefix_OfTwoPeers_IsRefused()
    {
        var mistake = Assert.Single(Mistakes($"{Minimal}[Peer]\nPublicKey={PublicKey}\nAllowedIPs=0.0.0.0/0\n[Peer]\nPublicKey={OtherPublicKey}\nAllowedIPs=0.0.0.0/0\n"));
        Assert.Equal(8, mistake.Line);
        Assert.Contains("line 3", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_WithoutInterface_IsRefused() => Assert.Contains("[Interface]", Assert.Single(Mistakes("")).Message, StringComparison.Ordinal);

    [Fact]
    public void Key_InTheWrongPlace_IsNotShown()
    {
        string[] places = [PrivateKey, $"PrivatKey {PrivateKey}", $"Address = {PrivateKey}", $"[{PrivateKey}]", $"PrivateKey: {PrivateKey}", $"PrivateKey = {PrivateKey}{PrivateKey}"];
        foreach (var place in places)
        {
            foreach (var mistake in Mistakes($"[Interface]\n{place}\n")) Assert.DoesNotContain(PrivateKey[..20], mistake.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void File_OfRandomBytes_NeverThrows()
    {
        var random = new Random(1);
        var pieces = new[] { "[Interface]", "[Peer]", "\n", "=", " ", "#", "AllowedIPs", "Endpoint", "PublicKey", PublicKey, "::/0", "0.0.0.0/0", ":", "\0", "\u2028", "%", "[", "]", "99999999999999999999", "é" };
        for (var i = 0; i < 2000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(40)).Select(_ => pieces[random.Next(pieces.Length)]));
            _ = WgQuickFile.TryParse(text, out _, out _);
        }
    }
}
