using System.Text;
using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Uapi;

/// <summary>
/// One client of a UAPI socket: requests one after the other, each a line <c>get=1</c> or <c>set=1</c>, more lines, and an empty one. A request
/// that is cut off changes nothing.
/// </summary>
internal sealed partial class UapiConnection(Stream stream, IUapiTarget target, ILogger logger)
{
    // The longest line that means something is under 100 bytes; a request of 64 MiB holds more than a million allowed IPs.
    private const int MaxLineBytes = 4096;
    private const int MaxRequestBytes = 64 << 20;

    private readonly byte[] _buffer = new byte[16384];
    private readonly StringBuilder _line = new();
    private int _start;
    private int _end;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (await ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } operation)
        {
            string answer;
            switch (operation)
            {
                case "get=1":
                    if (await ReadLineAsync(cancellationToken).ConfigureAwait(false) is not { } end) return;
                    answer = end.Length == 0 ? Get() : Refuse(new UapiError(UapiError.Invalid, "get takes no lines"), get: true);
                    break;
                case "set=1":
                    if (await SetAsync(cancellationToken).ConfigureAwait(false) is not { } reply) return;
                    answer = reply;
                    break;
                default:
                    LogUnknownOperation();
                    return;
            }

            await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), cancellationToken).ConfigureAwait(false);
        }
    }

    private string Get() =>
        target.Read() is { } device
            ? UapiText.Write(device) + "errno=0\n\n"
            : Refuse(new UapiError(UapiError.NoDevice, "the device is gone"), get: true);

    private async Task<string?> SetAsync(CancellationToken cancellationToken)
    {
        var parser = new UapiSetParser();
        var bytes = 0;
        while (true)
        {
            if (await ReadLineAsync(cancellationToken).ConfigureAwait(false) is not { } line) return null;
            if (line.Length == 0) break;
            if ((bytes += line.Length) > MaxRequestBytes) return null;
            parser.Read(line);
        }

        var (change, error) = parser.Finish();
        error ??= await target.ChangeAsync(change!, cancellationToken).ConfigureAwait(false);
        return error is null ? "errno=0\n\n" : Refuse(error);
    }

    // wg reads the number after a get without a sign, after a set with one.
    private string Refuse(UapiError error, bool get = false)
    {
        LogRefused(error.Message, -error.Code);
        return $"errno={(get ? -error.Code : error.Code)}\n\n";
    }

    /// <summary>The next line without its line feed; null at the end, or where it is too long to be one.</summary>
    private async ValueTask<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        _line.Clear();
        while (true)
        {
            var rest = _buffer.AsSpan(_start, _end - _start);
            var feed = rest.IndexOf((byte)'\n');
            _line.Append(Encoding.Latin1.GetString(feed < 0 ? rest : rest[..feed]));
            if (_line.Length > MaxLineBytes) return null;
            if (feed >= 0)
            {
                _start += feed + 1;
                return _line.ToString();
            }

            _start = 0;
            _end = await stream.ReadAsync(_buffer, cancellationToken).ConfigureAwait(false);
            if (_end == 0) return null;
        }
    }

    [LoggerMessage(EventId = 4101, Level = LogLevel.Warning, Message = "A request on the control socket was refused: {Cause} (errno {Code}).")]
    private partial void LogRefused(string cause, int code);

    [LoggerMessage(EventId = 4102, Level = LogLevel.Warning, Message = "A client of the control socket asked for neither get=1 nor set=1 and was hung up on.")]
    private partial void LogUnknownOperation();
}
