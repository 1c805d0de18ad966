using System.Net;
using System.Net.Sockets;
using Gateway.Contracts.Lab;

namespace Gateway.Cli.Lab.Helper;

/// <summary>The service on V that a session talks to: greets, and answers each line with the line. As telnet's, but without a shell behind it.</summary>
internal sealed class LineService : IDisposable
{
    private const int MaxLine = 200;

    private CancellationTokenSource? _stop;
    private TcpListener? _listener;

    public LabHelperAnswer Start()
    {
        const string Command = "gateway lab helper answers lines on port 23";
        if (_listener is not null) return new LabHelperAnswer { Command = Command };
        var listener = new TcpListener(IPAddress.Parse(LabAddresses.V), LabAddresses.ServicePort);
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Start();
        (_listener, _stop) = (listener, new CancellationTokenSource());
        _ = AcceptAsync(listener, _stop.Token);
        return new LabHelperAnswer { Command = Command };
    }

    public async Task<LabHelperAnswer> StopAsync()
    {
        if (_stop is not null) await _stop.CancelAsync();
        Dispose();
        return new LabHelperAnswer();
    }

    public void Dispose()
    {
        _stop?.Cancel();
        _stop?.Dispose();
        _listener?.Dispose();
        (_stop, _listener) = (null, null);
    }

    private static async Task AcceptAsync(TcpListener listener, CancellationToken stop)
    {
        try
        {
            while (true) _ = ServeAsync(await listener.AcceptTcpClientAsync(stop), stop);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Stopped.
        }
    }

    private static async Task ServeAsync(TcpClient client, CancellationToken stop)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                using var reader = new StreamReader(stream, leaveOpen: true);
                await using var writer = new StreamWriter(stream, leaveOpen: true) { AutoFlush = true };
                await writer.WriteLineAsync($"V {LabAddresses.V}".AsMemory(), stop);
                while (await reader.ReadLineAsync(stop) is { Length: <= MaxLine } line) await writer.WriteLineAsync($"heard {line}".AsMemory(), stop);
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or SocketException)
            {
                // The other end has gone, or the service was stopped.
            }
        }
    }
}
