using System.Collections.Immutable;
using System.Net;
using System.Threading.Channels;
using Gateway.Contracts;
using Gateway.Data;
using Gateway.Engine;
using Gateway.Engine.Ports;
using Gateway.Linux.Nftables;

namespace Gateway.Reconcile;

/// <summary>
/// Keeps the gateway's nftables table as the tunnels want it: NAT and MSS clamping. It is replaced as a whole when what is wanted changes and, since the
/// table is the gateway's own, when somebody else changed it or flushed all rules (told by the kernel). What was refused is kept, shown and tried again.
/// </summary>
internal sealed partial class TableKeeper : IDisposable
{
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly IPacketRules _rules;
    private readonly DataPlane _dataPlane;
    private readonly TimeProvider _time;
    private readonly ILogger<TableKeeper> _logger;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Retry _retry;
    private ImmutableArray<Tunnel> _tunnels = [];
    private string? _document;
    private string? _found;
    private IDisposable? _watch;
    private volatile KernelProblem? _problem;

    public TableKeeper(IPacketRules rules, DataPlane dataPlane, TimeProvider time, ILogger<TableKeeper> logger)
    {
        (_rules, _dataPlane, _time, _logger) = (rules, dataPlane, time, logger);
        _retry = new Retry(async stop =>
        {
            await SyncAsync(cancellationToken: stop);
            return _problem is null;
        }, time);
    }

    /// <summary>What nft refused; null when the table is as wanted.</summary>
    public KernelProblem? Problem => _problem;

    /// <summary>The problem, for a tunnel that it concerns.</summary>
    public IEnumerable<KernelProblem> ProblemsOf(Tunnel row) => _problem is { } problem && IsConcerned(row) ? [problem] : [];

    /// <summary>Brings the table to what these tunnels want; without them, to what those of the last call want. Never throws for what nft refuses.</summary>
    public async Task SyncAsync(IEnumerable<Tunnel>? tunnels = null, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (tunnels is not null) _tunnels = [.. tunnels];
            var devices = Devices();
            var document = OwnTable.Render(devices);
            if (_document == document && _problem is null) return;
            // nft is a program that runs for some milliseconds: not on the caller's thread.
            await Task.Run(() => Apply(document, devices.Count > 0), cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes the table away, whatever is wanted. Throws <see cref="PortException"/>.</summary>
    public static void Remove(IPacketRules rules)
    {
        if (rules.Read() is not null) rules.Apply(OwnTable.Render([]));
    }

    /// <summary>Follows what others do to the table, until cancelled.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        var pause = Gathering;
        var lastPutBack = DateTimeOffset.MinValue;
        await foreach (var _ in _changes.Reader.ReadAllAsync(cancellationToken))
        {
            // A firewall that is loaded anew comes in several pieces; and with somebody who keeps changing it, it shall not become a race.
            await Task.Delay(pause, _time, cancellationToken);
            _changes.Reader.TryRead(out var _);
            if (!await PutBackAsync(cancellationToken)) continue;
            var now = _time.GetUtcNow();
            pause = now - lastPutBack > LongestPause * 2 ? Gathering : pause * 2 > LongestPause ? LongestPause : pause * 2;
            lastPutBack = now;
        }
    }

    public void Dispose()
    {
        _retry.Dispose();
        _watch?.Dispose();
        _gate.Dispose();
    }

    private async Task<bool> PutBackAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_document is not { } document || _found is null || !await Task.Run(HasDrifted, cancellationToken)) return false;
            LogChanged();
            _document = null;
            await Task.Run(() => Apply(document, isWanted: true), cancellationToken);
            return true;
        }
        finally
        {
            _gate.Release();
        }
    }

    private static bool IsConcerned(Tunnel row) => row.ClampMss || row.Nat.Count > 0;

    // A device that is not there yet has the name that was configured, unless that is a pattern.
    private List<DeviceRules> Devices()
    {
        var names = _dataPlane.GetTunnels().Where(s => s.State == TunnelState.Up).ToDictionary(s => s.Id, s => s.Name);
        return [.. _tunnels.Where(IsConcerned).Select(t => (Row: t, Device: names.GetValueOrDefault(t.Id, t.Name))).Where(t => !t.Device.Contains('%', StringComparison.Ordinal))
            .Select(t => ToRules(t.Row, t.Device))];
    }

    private static DeviceRules ToRules(Tunnel row, string device) => new(device,
        [.. row.Nat.Select(n => new SourceTranslation(IPNetwork.Parse(n.Prefix), n.To == NatTargets.Masquerade, IPAddress.TryParse(n.To, out var address) ? address : null))], row.ClampMss);

    private bool HasDrifted()
    {
        try
        {
            return _rules.Read() != _found;
        }
        catch (PortException)
        {
            return true;
        }
    }

    private void Apply(string document, bool isWanted)
    {
        try
        {
            // The table of an earlier run is replaced, another's is not; where nothing is wanted and nothing is there, nft need not even be installed.
            var before = _document is null || _found is null ? TryRead(isWanted) : _found;
            if (isWanted || before is not null)
            {
                _watch ??= _rules.Watch(() => _changes.Writer.TryWrite(true));
                _rules.Apply(document);
            }

            _found = isWanted ? _rules.Read() : null;
            _document = document;
            _problem = null;
        }
        catch (PortException e)
        {
            var known = _problem;
            _document = null;
            _problem = new KernelProblem($"nftables table inet {OwnTable.Name} (NAT, MSS clamping)", e.Message, e.Remedy);
            if (known != _problem) LogRefused(e.Message, e.Remedy);
            _retry.Arm();
        }
    }

    private string? TryRead(bool isWanted)
    {
        try
        {
            return _rules.Read();
        }
        catch (PortException) when (!isWanted)
        {
            return null;
        }
    }

    [LoggerMessage(EventId = 1251, Level = LogLevel.Warning, Message = "NAT and MSS clamping are not in force: {Cause} {Remedy}")]
    private partial void LogRefused(string cause, string remedy);

    [LoggerMessage(EventId = 1252, Level = LogLevel.Warning, Message = "Somebody changed the gateway's nftables table; it is put back")]
    private partial void LogChanged();
}
