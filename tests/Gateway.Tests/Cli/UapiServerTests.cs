using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Uapi;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Gateway.Tests.Cli;

/// <summary>The control socket itself, with hostile clients, on a real Unix socket in a directory of the test's.</summary>
public sealed class UapiServerTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);
    private readonly string _directory = Directory.CreateTempSubdirectory("uapi").FullName;
    private readonly FakeTarget _target = new();

    private sealed class FakeTarget : IUapiTarget
    {
        public ConcurrentQueue<UapiChange> Changes { get; } = [];

        public UapiError? Answer { get; set; }

        public UapiDevice? Device { get; set; } = new(
            new TunnelConfig { Id = Guid.Empty, Name = "wg0" },
            new TunnelStatus(Guid.Empty, "wg0", TunnelState.Up, null, null, null, 51820, 1420, [], [], [], 0, 0, 0), []);

        public UapiDevice? Read() => Device;

        public ValueTask<UapiError?> ChangeAsync(UapiChange change, CancellationToken cancellationToken)
        {
            Changes.Enqueue(change);
            return ValueTask.FromResult(Answer);
        }
    }

    private UapiServer Start(string name = "wg0") => UapiServer.Start(name, _target, NullLogger.Instance, _directory);

    private async Task<string> Ask(string request)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(_directory, "wg0.sock")));
        using var reader = new StreamReader(new NetworkStream(socket));
        await socket.SendAsync(Encoding.Latin1.GetBytes(request));
        socket.Shutdown(SocketShutdown.Send);
        using var deadline = new CancellationTokenSource(Deadline);
        return await reader.ReadToEndAsync(deadline.Token);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Requests_OneAfterTheOther_AreAnswered()
    {
        await using var server = Start();
        Assert.Equal("listen_port=51820\nerrno=0\n\nerrno=0\n\nlisten_port=51820\nerrno=0\n\n", await Ask("get=1\n\nset=1\nlisten_port=7\n\nget=1\n\n"));
        Assert.Equal((ushort)7, Assert.Single(_target.Changes).ListenPort);
    }

    [Fact]
    public async Task Socket_IsForItsOwnerOnly()
    {
        await using var server = Start();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(server.Path));
        Assert.Equal([server.Path], Directory.GetFileSystemEntries(_directory));
    }

    [Theory]
    [InlineData("set=1\nlisten_port=x\nlisten_port=5\n\n", "errno=-22\n\n")]
    [InlineData("set=1\nnonsense\n\n", "errno=-71\n\n")]
    [InlineData("get=1\nmore\n", "errno=22\n\n")]
    [InlineData("set=1\nlisten_port=5\n", "")]
    [InlineData("set=1\nlisten_port=5", "")]
    [InlineData("get=2\n\n", "")]
    [InlineData("GET / HTTP/1.0\r\n\r\n", "")]
    [InlineData("\0\0\0\0", "")]
    [InlineData("", "")]
    public async Task Request_ThatIsWrongOrCutOff_ChangesNothing(string request, string answer)
    {
        await using var server = Start();
        Assert.Equal(answer, await Ask(request));
        Assert.Empty(_target.Changes);
        Assert.EndsWith("errno=0\n\n", await Ask("get=1\n\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Line_WithoutEnd_IsHungUpOn()
    {
        await using var server = Start();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.Path));
        await socket.SendAsync(Encoding.Latin1.GetBytes("set=1\n" + new string('a', 5000)));
        using var deadline = new CancellationTokenSource(Deadline);
        // Closed with bytes unread is a reset; either way it is the end.
        var end = await Record.ExceptionAsync(async () => Assert.Equal(0, await socket.ReceiveAsync(new byte[10], deadline.Token)));
        Assert.True(end is null or SocketException, end?.ToString());
        Assert.EndsWith("errno=0\n\n", await Ask("get=1\n\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_InSmallPieces_IsReadWhole()
    {
        await using var server = Start();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.Path));
        using var reader = new StreamReader(new NetworkStream(socket));
        foreach (var piece in "set=1\nfwmark=123\n\n") await socket.SendAsync(new[] { (byte)piece });
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal("errno=0\n\n", await reader.ReadToEndAsync());
        Assert.Equal(123u, Assert.Single(_target.Changes).FirewallMark);
    }

    [Fact]
    public async Task Device_ThatIsGone_IsToldByItsNumber()
    {
        await using var server = Start();
        _target.Device = null;
        Assert.Equal("errno=19\n\n", await Ask("get=1\n\n"));
    }

    [Fact]
    public async Task ManagedTunnel_IsShownAndNotChanged()
    {
        await using var server = UapiServer.Start("wg0", new ManagedTunnelUapi(_target.Read, NullLogger.Instance), NullLogger.Instance, _directory);
        Assert.Equal("listen_port=51820\nerrno=0\n\nerrno=-1\n\n", await Ask("get=1\n\nset=1\nlisten_port=1\n\n"));
    }

    [Fact]
    public async Task Socket_OfAKilledProcess_IsReplaced()
    {
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Bound elsewhere and moved, so that its end leaves the file, as a kill does.
            dead.Bind(new UnixDomainSocketEndPoint(Path.Combine(_directory, "dead")));
            File.Move(Path.Combine(_directory, "dead"), Path.Combine(_directory, "wg0.sock"));
        }

        await using var server = Start();
        Assert.EndsWith("errno=0\n\n", await Ask("get=1\n\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Socket_ThatAnswers_IsLeftAlone()
    {
        await using var server = Start();
        Assert.Contains("already answers", Assert.Throws<PortException>(() => Start()).Message, StringComparison.Ordinal);
        Assert.EndsWith("errno=0\n\n", await Ask("get=1\n\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Name_ThatLeavesTheDirectory_IsRefused() => Assert.Throws<PortException>(() => Start("../x"));

    [Fact]
    public async Task Removal_OfTheFile_IsTold()
    {
        await using var server = Start();
        Assert.False(server.SocketRemoved.IsCompleted);
        File.Delete(server.Path);
        await server.SocketRemoved.WaitAsync(Deadline);
    }

    [Fact]
    public async Task Dispose_RemovesItsFileAndNobodyElses()
    {
        var first = Start();
        await first.DisposeAsync();
        Assert.Empty(Directory.GetFileSystemEntries(_directory));

        var second = Start();
        File.Delete(second.Path);
        await second.SocketRemoved.WaitAsync(Deadline);
        await File.WriteAllTextAsync(second.Path, "another's");
        await second.DisposeAsync();
        Assert.True(File.Exists(second.Path));
    }

    [Fact]
    public async Task Dispose_WithAClientConnected_Ends()
    {
        var server = Start();
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(server.Path));
        await server.DisposeAsync().AsTask().WaitAsync(Deadline);
    }
}
