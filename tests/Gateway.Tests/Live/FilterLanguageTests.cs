using System.Net;
using Gateway.Engine;
using Gateway.Live.Filters;
using Gateway.Web;
using Xunit;

namespace Gateway.Tests.Live;

public sealed class FilterLanguageTests
{
    private static readonly FilterLanguage<Row> Language = new(
        [
            FilterFields.Text<Row>("peer", "who", row => row.Peer),
            FilterFields.Text<Row>("proto", "what", row => row.Protocol, "tcp", "udp"),
            FilterFields.Address<Row>("addr", "where", row => (row.Source, row.Destination)),
            FilterFields.Address<Row>("dst", "where to", row => (row.Destination, null)),
            FilterFields.Port<Row>("port", "which", row => (row.SourcePort, row.DestinationPort)),
            FilterFields.Number<Row>("bytes", "how much", FilterUnit.Bytes, row => row.Bytes),
            FilterFields.Number<Row>("rtt", "how far", FilterUnit.Time, row => row.RoundTrip),
        ],
        word => row => row.Peer.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static readonly Row Alice = new("alice", "tcp", Net("192.168.53.99"), 40_000, Net("192.168.60.101"), 443, 2_000_000, 0.020);
    private static readonly Row Bob = new("bob's phone", "udp", Net("fd53::7"), 5353, Net("fd60::1"), 53, 300, null);

    [Theory]
    [InlineData("", "ab")]
    [InlineData("peer=alice", "a")]
    [InlineData("peer=ALICE", "a")]
    [InlineData("peer = \"bob's phone\"", "b")]
    [InlineData("peer ~ phone", "b")]
    [InlineData("peer!=alice", "b")]
    [InlineData("alice", "a")]
    [InlineData("peer=alice proto=tcp dst in 192.168.60.0/24 and bytes > 1M", "a")]
    [InlineData("peer=alice proto=udp", "")]
    [InlineData("proto=tcp or proto=udp", "ab")]
    [InlineData("proto=tcp and peer=bob or proto=udp", "b")]
    [InlineData("proto=tcp and (peer=bob or port=443)", "a")]
    [InlineData("not proto=tcp", "b")]
    [InlineData("! (proto=tcp || proto=udp)", "")]
    [InlineData("proto=tcp && !peer=bob", "a")]
    [InlineData("addr=192.168.53.99", "a")]
    [InlineData("addr in 192.168.0.0/16", "a")]
    [InlineData("addr != 192.168.53.99", "b")]
    [InlineData("dst in fd60::/64", "b")]
    [InlineData("addr in 0.0.0.0/0", "a")]
    [InlineData("addr in ::/0", "ab")]
    [InlineData("port=53", "b")]
    [InlineData("port!=53", "a")]
    [InlineData("port<1024", "ab")]
    [InlineData("port>=40000", "a")]
    [InlineData("bytes>=2M", "a")]
    [InlineData("bytes<=0.3K", "b")]
    [InlineData("rtt<=20ms", "a")]
    [InlineData("rtt>0s", "a")]
    public void Filter_Wellformed_LetsThePassing(string filter, string expected)
    {
        Assert.True(Language.Parse(filter).Succeeded(out var test, out var failure), failure?.Detail);
        Assert.Equal(expected, string.Concat(new[] { Alice, Bob }.Where(test).Select(row => row.Peer[0])));
    }

    [Theory]
    [InlineData("pear=alice", "character 1")]
    [InlineData("peer=", "character 6")]
    [InlineData("peer<alice", "character 5")]
    [InlineData("peer=alice and", "character 15")]
    [InlineData("(peer=alice", "character 12")]
    [InlineData("peer=alice)", "character 11")]
    [InlineData("dst in 192.168.60.1/24", "character 8")]
    [InlineData("dst=300.1.1.1", "character 5")]
    [InlineData("port=70000", "character 6")]
    [InlineData("bytes > 1X", "character 9")]
    [InlineData("peer=\"alice", "character 6")]
    [InlineData("or", "character 1")]
    public void Filter_Malformed_IsToldWithItsPlace(string filter, string place)
    {
        var failure = Language.Parse(filter).Failure;
        Assert.NotNull(failure);
        Assert.Equal(FailureKind.Malformed, failure.Kind);
        Assert.Equal("filter", Assert.Single(failure.Errors).Field);
        Assert.Contains(place, failure.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Filter_TooLongOrTooDeep_IsRefused()
    {
        Assert.NotNull(Language.Parse(new string('a', 1001)).Failure);
        Assert.NotNull(Language.Parse(new string('(', 400)).Failure);
        Assert.NotNull(Language.Parse(string.Concat(Enumerable.Repeat("not ", 200)) + "a").Failure);
    }

    [Theory]
    [InlineData("", "peer")]
    [InlineData("pr", "proto")]
    [InlineData("proto", "proto")]
    [InlineData("proto ", "=")]
    [InlineData("proto=", "tcp")]
    [InlineData("proto=u", "udp")]
    [InlineData("proto=tcp ", "and")]
    [InlineData("proto=tcp and po", "port")]
    [InlineData("peer=", "alice")]
    [InlineData("peer=b", "\"bob's phone\"")]
    [InlineData("peer=\"b", "\"bob's phone\"")]
    [InlineData("bytes>", null)]
    public void Complete_AtTheEnd_OffersWhatFits(string text, string? expected)
    {
        var completion = Language.Complete(text, text.Length, field => field == "peer" ? ["alice", "bob's phone"] : []);
        if (expected is null) Assert.Empty(completion.Words);
        else Assert.Contains(expected, completion.Words);
        Assert.Equal(text.Length, completion.Start + completion.Length);
    }

    private static FilterNetwork Net(string address) => FilterNetwork.Of(InetAddress.From(IPAddress.Parse(address)));

    private sealed record Row(string Peer, string Protocol, FilterNetwork Source, int SourcePort, FilterNetwork Destination, int DestinationPort, long Bytes, double? RoundTrip);
}
