using Bunit;
using Gateway.Components;
using Gateway.Components.Controls;
using Gateway.Contracts;
using Gateway.Contracts.Live;
using Gateway.Web;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Localization;
using Microsoft.Extensions.Time.Testing;
using MudBlazor.Services;
using Xunit;

namespace Gateway.Tests.Components;

/// <summary>What the small controls make of what they are given.</summary>
public sealed class ControlTests : BunitContext
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public ControlTests()
    {
        Services.AddMudServices();
        Services.AddLocalization();
        Services.AddSingleton<TimeProvider>(_time);
        JSInterop.Mode = JSRuntimeMode.Loose;
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1_000, "1.00 kB")]
    [InlineData(999_960, "1.00 MB")]
    [InlineData(54_321_000, "54.3 MB")]
    [InlineData(1.5e12, "1.50 TB")]
    public void Bytes_AreWrittenInStepsOfAThousand(double bytes, string text) => Assert.Equal(text, Format.Bytes(bytes));

    [Fact]
    public void BitRate_IsEightTimesTheBytes() => Assert.Equal("1.00 Mbit/s", Format.BitRate(125_000));

    [Theory]
    [InlineData(-1, "just now")]
    [InlineData(-12, "12 s ago")]
    [InlineData(-150, "2 min ago")]
    [InlineData(3 * 3600, "in 3 h 0 min")]
    public void When_SaysHowLongAgoWithTheMomentItself(int seconds, string text)
    {
        var time = _time.GetUtcNow().AddSeconds(seconds);
        var shown = Render<When>(p => p.Add(w => w.Time, time)).Find("time");
        Assert.Equal(text, shown.TextContent);
        Assert.Equal(Format.Moment(time), shown.GetAttribute("title"));
    }

    [Theory]
    [InlineData(0, "0 peers")]
    [InlineData(1, "1 peer")]
    [InlineData(2, "2 peers")]
    [InlineData(12_345, "12,345 peers")]
    public void Count_HasTheFormThatItsNumberTakes(long count, string text) =>
        Assert.Equal(text, Services.GetRequiredService<IStringLocalizer<Gateway.Components.Pages.Peers>>().Many("Count", count));

    [Fact]
    public void PeerSelection_IsReadAsItWasWritten_AndHostileTextIsNone()
    {
        Guid[] ids = [Guid.CreateVersion7(), Guid.CreateVersion7(), Guid.Empty];
        Assert.Equal(ids, PeerSelection.Read(PeerSelection.Write(ids, 7)));
        Assert.Equal(PeerSelection.All, PeerSelection.Write(ids, 3));
        Assert.Null(PeerSelection.Write([], 3));
        Assert.Null(PeerSelection.Write([.. Enumerable.Range(0, 201).Select(_ => Guid.NewGuid())], 1_000));
        Assert.Empty(PeerSelection.Read("%%%.'; drop table.AAAAAAAAAAAAAAAAAAAAAA==.äöü"));
    }

    [Fact]
    public void When_Never_SaysSo() => Assert.Equal("never", Render<When>().Find("span").TextContent);

    [Theory]
    [InlineData(PeerStates.Working)]
    [InlineData(PeerStates.ReceiveOnly)]
    [InlineData(PeerStates.SendOnly)]
    [InlineData(PeerStates.HandshakeOnly)]
    [InlineData(PeerStates.Idle)]
    [InlineData(PeerStates.Never)]
    [InlineData("disabled")]
    [InlineData("expired")]
    [InlineData("up")]
    [InlineData("opening")]
    [InlineData("failed")]
    public void StateBadge_KnowsEveryStateAndWhy(string state)
    {
        var shown = Render<StateBadge>(p => p.Add(s => s.State, state).Add(s => s.Sentence, true));
        Assert.NotEqual(state + ".why", shown.Find(".state-why").TextContent);
        Assert.EndsWith(".", shown.Find(".state-why").TextContent, StringComparison.Ordinal);
    }

    [Fact]
    public void Remedy_ACommandCanBeCopied_ASentenceNot()
    {
        Assert.NotEmpty(Render<Gateway.Components.Controls.Remedy>(p => p.Add(r => r.What, "No way.").Add(r => r.Text, "sysctl -w net.ipv4.ip_forward=1")).FindAll("code"));
        Assert.Empty(Render<Gateway.Components.Controls.Remedy>(p => p.Add(r => r.What, "No way.").Add(r => r.Text, "Use transport wireguard.")).FindAll("code"));
    }

    [Fact]
    public void FormErrors_GoToTheirInputs_AndTheRestToTheTop()
    {
        var errors = new FormErrors();
        errors.ShowsItself("addresses");
        errors.Take(Failure.Of(FailureKind.Rule, [new FieldError("addresses[1]", "It is wrong.", "Mend it."), new FieldError("other", "No.", "Yes.")]));
        Assert.Equal("It is wrong. Mend it.", errors.Of("addresses"));
        Assert.Equal("other", Assert.Single(errors.Rest!.Errors).Field);
        errors.Take(null);
        Assert.Null(errors.Of("addresses"));
        Assert.Null(errors.Rest);
    }

    [Fact]
    public void SortHeader_TurnsRoundAtTheSecondClick()
    {
        var order = "";
        var shown = Render<SortHeader>(p => p.Add(h => h.Key, "bytes").Add(h => h.Label, "Bytes").Add(h => h.LargestFirst, true).Add(h => h.Current, "rate").Add(h => h.Sorted, o => order = o));
        shown.Find("button").Click();
        Assert.Equal("-bytes", order);
        shown.Render(p => p.Add(h => h.Current, order));
        Assert.Equal("descending", shown.Find("th").GetAttribute("aria-sort"));
        shown.Find("button").Click();
        Assert.Equal("bytes", order);
    }

    [Fact]
    public void HexDump_MarksTheBytesOfAPart()
    {
        var shown = Render<HexDump>(p => p.Add(h => h.Data, [.. Enumerable.Range(0x40, 20).Select(i => (byte)i)]).Add(h => h.MarkOffset, 15).Add(h => h.MarkLength, 2));
        Assert.Equal(["4f", "50"], shown.FindAll(".hex-bytes .mark").Select(m => m.TextContent));
        Assert.Equal(["O", "P"], shown.FindAll(".hex-text .mark").Select(m => m.TextContent));
    }

    [Theory]
    [InlineData("tcp", "tcp and host 10.8.0.2 and host 192.168.60.101 and port 40000 and port 443")]
    [InlineData("icmp", "icmp and host 10.8.0.2 and host 192.168.60.101")]
    [InlineData("47", "ip proto 47 and host 10.8.0.2 and host 192.168.60.101")]
    public void Conversation_IsWrittenForTcpdump(string protocol, string filter) => Assert.Equal(filter, Conversation.Filter(new FlowRow
    {
        Id = "1",
        Tunnel = "wg0",
        Protocol = protocol,
        Source = "10.8.0.2",
        SourcePort = 40_000,
        Destination = "192.168.60.101",
        DestinationPort = 443,
        FirstSeen = default,
        LastSeen = default,
    }));
}
