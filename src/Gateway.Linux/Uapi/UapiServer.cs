using System.Net.Sockets;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Microsoft.Extensions.Logging;

namespace Gateway.Linux.Uapi;

/// <summary>
/// The socket through which wg reads and changes a device that user space runs: <c>/var/run/wireguard/NAME.sock</c>, for root only.
/// It is not in the data path: connections are served one task each.
/// </summary>
public sealed partial class UapiServer : IAsyncDisposable
{
    /// <summary>Where wg looks for sockets.</summary>
    public const string DefaultDirectory = "/var/run/wireguard";

    // wg opens one at a time; more is somebody's mistake, and waits in the kernel's queue.
    private const int MaxConnections = 32;

    private readonly IUapiTarget _target;
    private readonly ILogger _logger;
    private readonly Socket _listener;
    private readonly FileSystemWatcher _watcher;
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _slots = new(MaxConnections);
    private readonly Task _accepting;

    private UapiServer(string path, IUapiTarget target, ILogger logger, Socket listener)
    {
        (Path, _target, _logger, _listener) = (path, target, logger, listener);
        _watcher = new FileSystemWatcher(System.IO.Path.GetDirectoryName(path)!, System.IO.Path.GetFileName(path)) { NotifyFilter = NotifyFilters.FileName };
        _watcher.Deleted += (_, _) => _removed.TrySetResult();
        _watcher.Renamed += (_, e) => { if (e.OldFullPath == Path) _removed.TrySetResult(); };
        _watcher.EnableRaisingEvents = true;
        if (!File.Exists(path)) _removed.TrySetResult();
        _accepting = AcceptAsync();
    }

    /// <summary>The socket's file.</summary>
    public string Path { get; }

    /// <summary>Completes when somebody removes the socket's file: wireguard-go's way of being told to stop.</summary>
    public Task SocketRemoved => _removed.Task;

    /// <summary>
    /// Listens for a device. A socket that a killed process left behind is replaced, one that answers is not.
    /// </summary>
    /// <param name="interfaceName">The device's real name.</param>
    /// <param name="target">What is read and changed.</param>
    /// <param name="logger">Is told of refused requests.</param>
    /// <param name="directory">Where the socket goes; made (0700) where it is missing.</param>
    /// <exception cref="PortException">The socket could not be made; message and remedy say why.</exception>
    public static UapiServer Start(string interfaceName, IUapiTarget target, ILogger logger, string directory = DefaultDirectory)
    {
        ArgumentNullException.ThrowIfNull(interfaceName);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(logger);
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        if (!WgQuickValues.IsDeviceName(interfaceName)) throw new PortException($"\"{interfaceName}\" is no device name.", "Use at most 15 characters without / and spaces.");
        var path = System.IO.Path.Combine(directory, interfaceName + ".sock");
        // Bound under another name and moved when it listens: nobody meets a socket that is not ready or open to all, and the framework,
        // which unlinks what it bound, leaves alone what another process has put in our place by then.
        var unready = System.IO.Path.Combine(directory, $".{interfaceName}.{Environment.ProcessId}");
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            RemoveStale(path);
            File.Delete(unready);
            listener.Bind(new UnixDomainSocketEndPoint(unready));
            File.SetUnixFileMode(unready, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(MaxConnections);
            File.Move(unready, path);
            return new UapiServer(path, target, logger, listener);
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            listener.Dispose();
            throw new PortException($"The control socket {path} could not be made: {e.Message.TrimEnd('.')}.", $"Run as root, or make {directory} writable.", (e as SocketException)?.NativeErrorCode ?? 0, e);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Stops listening, ends open connections and removes the socket's file, unless that is gone already.</summary>
    public async ValueTask DisposeAsync()
    {
        _watcher.Dispose();
        if (_removed.TrySetResult()) File.Delete(Path);
        await _stop.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        for (var i = 0; i < MaxConnections; i++) await _slots.WaitAsync().ConfigureAwait(false);
        _slots.Dispose();
        _stop.Dispose();
    }

    private static void RemoveStale(string path)
    {
        if (!File.Exists(path)) return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return;
        }

        throw new PortException($"Another process already answers on {path}.", "Stop it first, or choose another name.", (int)SocketError.AddressAlreadyInUse);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                await _slots.WaitAsync(_stop.Token).ConfigureAwait(false);
                Socket connection;
                try
                {
                    connection = await _listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                }
                catch
                {
                    _slots.Release();
                    throw;
                }

                _ = ServeAsync(connection);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // Disposed.
        }
        catch (SocketException e)
        {
            LogListenerFailed(Path, e.Message);
            _removed.TrySetResult();
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        try
        {
            using var stream = new NetworkStream(connection, ownsSocket: true);
            await new UapiConnection(stream, _target, _logger).RunAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The other end went away, or the server stops.
        }
        finally
        {
            _slots.Release();
        }
    }

    [LoggerMessage(EventId = 4100, Level = LogLevel.Error, Message = "The control socket {Path} failed: {Cause}.")]
    private partial void LogListenerFailed(string path, string cause);
}
