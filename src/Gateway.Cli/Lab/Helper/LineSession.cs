using System.Net.Sockets;
using System.Text;
using Gateway.Contracts.Lab;

namespace Gateway.Cli.Lab.Helper;

/// <summary>One TCP connection from U to the service on V, kept open over several actions.</summary>
internal sealed class LineSession : IDisposable
{
    private const int MaxWord = 32;
    private const int MaxText = 4000;
    private static readonly TimeSpan s_connectTime = TimeSpan.FromSeconds(5);

    private readonly StringBuilder _text = new();
    private TcpClient? _connection;
    private bool _ended;

    public async Task<LabHelperAnswer> OpenAsync(CancellationToken stop)
    {
        await CloseAsync();
        var connection = new TcpClient(AddressFamily.InterNetwork) { NoDelay = true };
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(s_connectTime);
        var command = $"telnet {LabAddresses.V}";
        try
        {
            await connection.ConnectAsync(LabAddresses.V, LabAddresses.ServicePort, deadline.Token);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            connection.Dispose();
            return new LabHelperAnswer { Command = command, Problem = $"{LabAddresses.V} port {LabAddresses.ServicePort}: {(e is SocketException ? e.Message : "no answer")}" };
        }

        lock (_text) _text.Clear();
        (_connection, _ended) = (connection, false);
        _ = ReadAsync(connection);
        return Read() with { Command = command };
    }

    public async Task<LabHelperAnswer> TypeAsync(string? word, CancellationToken stop)
    {
        if (word is null || word.Length is 0 or > MaxWord || !word.All(char.IsAsciiLetterLower)) return new LabHelperAnswer { Problem = "A word of small letters is typed." };
        if (_connection is not { } connection) return new LabHelperAnswer { Problem = "There is no session." };
        await connection.GetStream().WriteAsync(Encoding.ASCII.GetBytes(word + "\n"), stop);
        return Read();
    }

    public LabHelperAnswer Read()
    {
        lock (_text) return new LabHelperAnswer { Text = _text.ToString(), IsOpen = _connection is not null && !_ended };
    }

    public Task<LabHelperAnswer> CloseAsync()
    {
        Dispose();
        return Task.FromResult(new LabHelperAnswer());
    }

    public void Dispose()
    {
        // Reset instead of FIN: an end that nobody hears would be repeated for minutes.
        if (_connection is not null) _connection.LingerState = new LingerOption(true, 0);
        _connection?.Dispose();
        _connection = null;
    }

    private async Task ReadAsync(TcpClient connection)
    {
        try
        {
            using var reader = new StreamReader(connection.GetStream(), Encoding.ASCII);
            while (await reader.ReadLineAsync() is { } line)
            {
                lock (_text)
                {
                    if (_text.Length < MaxText) _text.Append(line).Append('\n');
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Ended; said below.
        }

        if (ReferenceEquals(connection, _connection)) _ended = true;
    }
}
