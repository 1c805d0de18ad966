using Gateway.Engine.Ports;
using Gateway.Linux.Netlink;
using Gateway.Linux.Nftables;

namespace Gateway.Reconcile;

/// <summary>The gateway's own nftables table: Linux, or memory in tests. All throw <see cref="PortException"/>.</summary>
internal interface IPacketRules
{
    /// <summary>What the table is now, to compare; null where there is none.</summary>
    string? Read();

    /// <summary>Replaces the table, or takes it away, by a document of <see cref="OwnTable.Render"/>.</summary>
    void Apply(string document);

    /// <summary>Calls back whenever somebody changes the table, this process too, until disposed.</summary>
    IDisposable Watch(Action changed);
}

/// <summary>The table in the kernel that the process runs on, through nft.</summary>
internal sealed class LinuxPacketRules : IPacketRules
{
    public string? Read() => OwnTable.Read();

    public void Apply(string document) => OwnTable.Apply(document);

    public IDisposable Watch(Action changed) => KernelWatch.OfTable(OwnTable.Name, changed);
}
