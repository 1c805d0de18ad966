using System.Net.Sockets;
using System.Text.Json;
using Gateway.Cli.Lab.Helper;
using Gateway.Contracts.Lab;
using Xunit;

namespace Gateway.Tests.Lab;

/// <summary>The helper does what is in its list, for who may open its socket.</summary>
public sealed class LabHelperTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("gateway-lab-");
    private readonly CancellationTokenSource _stop = new();
    private LabHelper _helper = null!;
    private Task _running = Task.CompletedTask;

    private string SocketPath => Path.Combine(_directory.FullName, "u.sock");

    public ValueTask InitializeAsync()
    {
        _helper = new LabHelper(LabHosts.U, SocketPath);
        _running = _helper.RunAsync(_stop.Token);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _helper.Dispose();
        _stop.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public void Socket_IsForItsOwnerOnly() => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));

    [Theory]
    [InlineData("""{"action":"run","value":"id"}""")]
    [InlineData("""{"action":"ping","destination":"127.0.0.1; id"}""")]
    [InlineData("""{"action":"ping","destination":"10.0.2.8","count":100000}""")]
    [InlineData("""{"action":"client-start","value":"--help"}""")]
    [InlineData("""{"action":"address-set","value":"10.0.2.7"}""")]
    [InlineData("""{"action":"session-type","value":"$(id)"}""")]
    [InlineData("""{"action":"service-start"}""")]
    [InlineData("""{"action":"route-add"}""")]
    [InlineData("""{"action":null}""")]
    [InlineData("no json")]
    public async Task Request_OutsideItsList_IsRefusedInASentence(string line)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        await using var stream = new NetworkStream(socket);
        await using var writer = new StreamWriter(stream) { AutoFlush = true };
        using var reader = new StreamReader(stream);
        await writer.WriteLineAsync(line);
        var answer = JsonSerializer.Deserialize<LabHelperAnswer>((await reader.ReadLineAsync())!, JsonSerializerOptions.Web)!;
        Assert.EndsWith(".", answer.Problem, StringComparison.Ordinal);
        Assert.Null(answer.Command);
    }
}
