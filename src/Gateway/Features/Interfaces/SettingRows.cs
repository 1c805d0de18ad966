using Gateway.Contracts;
using Gateway.Data;
using Gateway.Linux.Settings;
using Gateway.Reconcile;

namespace Gateway.Features.Interfaces;

/// <summary>One kernel setting of a resource.</summary>
/// <param name="Member">What the API calls it.</param>
/// <param name="Path">Where it is, below /proc/sys/net.</param>
/// <param name="Wanted">The number wanted; null = left to others.</param>
internal sealed record WantedSetting(string Member, string Path, int? Wanted);

/// <summary>The way of kernel settings into the database and out of it, the same for devices and for the host.</summary>
internal static class SettingRows
{
    /// <summary>
    /// Brings the rows to what is wanted; the kernel follows once it is committed. What somebody else changed meanwhile stays as it is, unless it is
    /// asked for again (<paramref name="isGiven"/>) or enforced.
    /// </summary>
    public static void Write(Change change, KernelKeeper keeper, List<KernelSetting> rows, IEnumerable<WantedSetting> wanted, bool enforce, string who, Func<string, bool> isGiven)
    {
        var touched = false;
        foreach (var (member, path, value) in wanted)
        {
            var row = rows.Find(r => r.Path == path);
            if (value is null)
            {
                if (row is null) continue;
                touched = true;
                rows.Remove(row);
                change.Db.KernelSettings.Remove(row);
                change.AfterCommit(() => PutBack(keeper, row));
                continue;
            }

            if (row is null)
            {
                row = new KernelSetting { Path = path, Original = keeper.Kernel.Read(path), Wanted = -1 };
                rows.Add(row);
                change.Db.KernelSettings.Add(row);
            }

            touched |= row.Enforce != enforce;
            row.Enforce = enforce;
            if (row.Wanted != value || enforce || isGiven(member)) change.AfterCommit(() => keeper.Set(path, value.Value));
            if (row.Wanted == value) continue;
            touched = true;
            (row.Wanted, row.ChangedBy, row.ChangedAt) = (value.Value, who, change.Now.UtcTicks);
        }

        // One ETag for all of them.
        if (touched) rows.ForEach(r => r.Revision = change.Revision);
    }

    /// <summary>Gives a setting the value that it had before.</summary>
    public static void PutBack(KernelKeeper keeper, KernelSetting row)
    {
        keeper.Forget(row.Path);
        if (row.Original is { } original) keeper.Set(row.Path, original);
    }

    public static KernelSettingResponse Show(string member, string path, KernelSetting? row, KernelKeeper keeper)
    {
        var value = keeper.Kernel.Read(path);
        var drift = row is not null && value is not null && value != row.Wanted;
        return new KernelSettingResponse
        {
            Name = member,
            Sysctl = KernelSettings.NameOf(path),
            Value = value,
            Desired = row?.Wanted,
            Original = row?.Original,
            Drift = drift,
            Enforced = row?.Enforce ?? false,
            ChangedBy = row is null ? null : drift ? "somebody else" : row.ChangedBy,
            ChangedAt = row is null ? null : new DateTimeOffset(row.ChangedAt, TimeSpan.Zero),
            Problem = keeper.Problems.GetValueOrDefault(path),
        };
    }
}
