using System.ComponentModel;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading.Channels;
using Gateway.Contracts.Lab;
using Gateway.Engine.Ports;
using Gateway.Linux.Sockets;

namespace Gateway.Cli.Lab.Helper;

/// <summary>
/// The helper on a host of the lab: carries out the actions of <see cref="LabActions"/> and nothing else, for who may open its Unix socket, which is
/// in the lab's run directory (root's alone). It listens on no port.
/// </summary>
internal sealed class LabHelper(string host, string socketPath) : IDisposable
{
    private const int MaxRequestCharacters = 2000;
    private const int WaitingLines = 4096;
    private static readonly TimeSpan s_upToPeriod = TimeSpan.FromMilliseconds(40);

    private readonly HelperActions _actions = new(host, Path.GetDirectoryName(socketPath)!);

    /// <summary>Answers until cancelled.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        File.Delete(socketPath);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(socketPath));
        File.SetUnixFileMode(socketPath, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        listener.Listen();
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptAsync(stop), stop);
        }
        catch (OperationCanceledException)
        {
            // Told to stop.
        }
        finally
        {
            File.Delete(socketPath);
        }
    }

    public void Dispose() => _actions.Dispose();

    private async Task ServeAsync(Socket socket, CancellationToken stop)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        using var reader = new StreamReader(stream, leaveOpen: true);
        await using var writer = new StreamWriter(stream, leaveOpen: true) { AutoFlush = true };
        try
        {
            while (await reader.ReadLineAsync(stop) is { Length: <= MaxRequestCharacters } line)
            {
                var request = Read(line);
                if (request?.Action == LabActions.Capture)
                {
                    await CaptureAsync(writer, stop);
                    return;
                }

                var answer = request is null ? new LabHelperAnswer { Problem = "That is no request." } : await AnswerAsync(request, stop);
                await writer.WriteLineAsync(JsonSerializer.Serialize(answer, JsonSerializerOptions.Web));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // Who asked has left, or the helper ends.
        }
    }

    private static LabHelperRequest? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<LabHelperRequest>(line, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task<LabHelperAnswer> AnswerAsync(LabHelperRequest request, CancellationToken stop)
    {
        try
        {
            return await _actions.DoAsync(request, stop);
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or IOException or SocketException or TimeoutException)
        {
            return new LabHelperAnswer { Problem = e.Message };
        }
    }

    private static async Task CaptureAsync(StreamWriter writer, CancellationToken stop)
    {
        var lost = 0L;
        var lines = Channel.CreateBounded<LabCaptureLine>(new BoundedChannelOptions(WaitingLines) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => Interlocked.Increment(ref lost));
        HostCapture capture;
        try
        {
            capture = new HostCapture(
                frame => lines.Writer.TryWrite(new LabCaptureLine { At = frame.At, Device = frame.Device, IsOutgoing = frame.IsOutgoing, IsEthernet = frame.IsEthernet, Bytes = frame.Bytes, Data = frame.Data }),
                (upTo, missed) => lines.Writer.TryWrite(new LabCaptureLine { UpTo = upTo, Lost = missed + Interlocked.Exchange(ref lost, 0) }), s_upToPeriod, TimeProvider.System);
        }
        catch (PortException e)
        {
            await writer.WriteLineAsync(JsonSerializer.Serialize(new LabHelperAnswer { Problem = $"{e.Message} {e.Remedy}" }, JsonSerializerOptions.Web));
            return;
        }

        using (capture)
        {
            await writer.WriteLineAsync(JsonSerializer.Serialize(new LabHelperAnswer(), JsonSerializerOptions.Web));
            // Ends with the connection: then a line cannot be written.
            await foreach (var line in lines.Reader.ReadAllAsync(stop)) await writer.WriteLineAsync(JsonSerializer.Serialize(line, JsonSerializerOptions.Web));
        }
    }
}
