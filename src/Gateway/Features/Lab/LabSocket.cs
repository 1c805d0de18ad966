using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Gateway.Contracts.Lab;
using Gateway.Engine.Ports;
using Gateway.Linux.Sockets;

namespace Gateway.Features.Lab;

/// <summary>The lab's hosts as the gateway reaches them: their helpers, or memory in tests.</summary>
internal interface ILabHosts
{
    /// <summary>Has the helper of a host do something. That it does not answer is a problem in the answer.</summary>
    Task<LabHelperAnswer> AskAsync(string host, LabHelperRequest request, CancellationToken cancellationToken);

    /// <summary>What passes a host's devices, until cancelled. Throws <see cref="IOException"/> where that cannot be seen, or no longer.</summary>
    IAsyncEnumerable<LabCaptureLine> CaptureAsync(string host, CancellationToken cancellationToken);
}

/// <summary>
/// Helpers by their sockets in the lab's run directory: namespaces have networks of their own and share the file system. The gateway's own devices it
/// captures itself.
/// </summary>
internal sealed class LabSocket(Hosting.GatewayOptions options, TimeProvider time) : ILabHosts
{
    private const int WaitingLines = 4096;
    private static readonly TimeSpan UpToPeriod = TimeSpan.FromMilliseconds(40);

    public async Task<LabHelperAnswer> AskAsync(string host, LabHelperRequest request, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await ConnectAsync(host, cancellationToken);
            return await AskAsync(stream, request, cancellationToken);
        }
        catch (IOException exception)
        {
            return new LabHelperAnswer { Problem = exception.Message };
        }
    }

    public async IAsyncEnumerable<LabCaptureLine> CaptureAsync(string host, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (host == LabHosts.Gateway)
        {
            await foreach (var line in CaptureHereAsync(cancellationToken)) yield return line;
            yield break;
        }

        await using var stream = await ConnectAsync(host, cancellationToken);
        using var reader = new StreamReader(stream);
        if ((await AskAsync(stream, reader, new LabHelperRequest { Action = LabActions.Capture }, cancellationToken)).Problem is { } problem) throw new IOException(problem);
        while (true)
        {
            var text = await ReadLineAsync(reader, cancellationToken);
            yield return JsonSerializer.Deserialize<LabCaptureLine>(text ?? throw Gone(host), JsonSerializerOptions.Web)!;
        }
    }

    private async IAsyncEnumerable<LabCaptureLine> CaptureHereAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var lost = 0L;
        var lines = Channel.CreateBounded<LabCaptureLine>(new BoundedChannelOptions(WaitingLines) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true }, _ => Interlocked.Increment(ref lost));
        HostCapture capture;
        try
        {
            capture = new HostCapture(
                frame => lines.Writer.TryWrite(new LabCaptureLine { At = frame.At, Device = frame.Device, IsOutgoing = frame.IsOutgoing, IsEthernet = frame.IsEthernet, Bytes = frame.Bytes, Data = frame.Data }),
                (upTo, missed) => lines.Writer.TryWrite(new LabCaptureLine { UpTo = upTo, Lost = missed + Interlocked.Exchange(ref lost, 0) }), UpToPeriod, time);
        }
        catch (PortException exception)
        {
            throw new IOException($"{exception.Message} {exception.Remedy}");
        }

        using (capture)
        {
            await foreach (var line in lines.Reader.ReadAllAsync(cancellationToken)) yield return line;
        }
    }

    private async Task<NetworkStream> ConnectAsync(string host, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(Path.Combine(options.Lab!, $"{host}.sock")), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw Gone(host);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<LabHelperAnswer> AskAsync(NetworkStream stream, LabHelperRequest request, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(stream, leaveOpen: true);
        return await AskAsync(stream, reader, request, cancellationToken);
    }

    private static async Task<LabHelperAnswer> AskAsync(NetworkStream stream, StreamReader reader, LabHelperRequest request, CancellationToken cancellationToken)
    {
        await stream.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(request, JsonSerializerOptions.Web), cancellationToken);
        await stream.WriteAsync("\n"u8.ToArray(), cancellationToken);
        return JsonSerializer.Deserialize<LabHelperAnswer>(await ReadLineAsync(reader, cancellationToken) ?? throw new IOException("The helper ended."), JsonSerializerOptions.Web)!;
    }

    private static async Task<string?> ReadLineAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadLineAsync(cancellationToken);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static IOException Gone(string host) => new($"The helper on {host} does not answer: make lab starts it.");
}
