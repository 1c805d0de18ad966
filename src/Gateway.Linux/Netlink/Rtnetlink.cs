namespace Gateway.Linux.Netlink;

/// <summary>Numbers of linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h and linux/if.h.</summary>
internal static class Rtnetlink
{
    public const int RouteFamily = 0;              // NETLINK_ROUTE
    public const int Level = 270;                  // SOL_NETLINK
    public const int OptionCapAck = 10;            // NETLINK_CAP_ACK
    public const int OptionExtendedAck = 11;       // NETLINK_EXT_ACK
    public const int OptionStrictCheck = 12;       // NETLINK_GET_STRICT_CHK
    public const int HeaderBytes = 16;             // NLMSG_HDRLEN
    public const uint LinkGroup = 1;               // RTMGRP_LINK
    public const int NetfilterFamily = 12;         // NETLINK_NETFILTER
    public const uint NftablesGroup = 1 << 6;      // NFNLGRP_NFTABLES, linux/netfilter/nfnetlink.h
    public const int NftablesSubsystem = 10;       // NFNL_SUBSYS_NFTABLES: the upper half of a message's type
    public const int NetfilterBytes = 4;           // struct nfgenmsg
    public const ushort NftablesTable = 1;         // NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, NFTA_RULE_TABLE, … (linux/netfilter/nf_tables.h)

    public const ushort Error = 2;                 // NLMSG_ERROR
    public const ushort Done = 3;                  // NLMSG_DONE
    public const ushort NewLink = 16;              // RTM_NEWLINK
    public const ushort GetLink = 18;              // RTM_GETLINK
    public const ushort NewAddress = 20;           // RTM_NEWADDR
    public const ushort DeleteAddress = 21;        // RTM_DELADDR
    public const ushort GetAddress = 22;           // RTM_GETADDR
    public const ushort NewRoute = 24;             // RTM_NEWROUTE
    public const ushort DeleteRoute = 25;          // RTM_DELROUTE
    public const ushort GetRoute = 26;             // RTM_GETROUTE
    public const ushort GetNeighbour = 30;         // RTM_GETNEIGH
    public const ushort GetRule = 34;              // RTM_GETRULE

    public const ushort NewNetConf = 80;           // RTM_NEWNETCONF, linux/rtnetlink.h
    public const uint NetConfGroups = (1u << 23) | (1u << 24); // RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF

    public const ushort FlagRequest = 0x1;         // NLM_F_REQUEST
    public const ushort FlagAck = 0x4;             // NLM_F_ACK
    public const ushort FlagDumpInterrupted = 0x10; // NLM_F_DUMP_INTR
    public const ushort FlagCapped = 0x100;        // NLM_F_CAPPED
    public const ushort FlagAckAttributes = 0x200; // NLM_F_ACK_TLVS
    public const ushort FlagExclusive = 0x200;     // NLM_F_EXCL
    public const ushort FlagDump = 0x300;          // NLM_F_DUMP
    public const ushort FlagCreate = 0x400;        // NLM_F_CREATE

    public const ushort ErrorMessage = 1;          // NLMSGERR_ATTR_MSG

    public const int LinkBytes = 16;               // struct ifinfomsg
    public const ushort LinkName = 3;              // IFLA_IFNAME
    public const ushort LinkMtu = 4;               // IFLA_MTU
    public const ushort LinkMaster = 10;           // IFLA_MASTER
    public const ushort LinkInfo = 18;             // IFLA_LINKINFO
    public const ushort LinkInfoKind = 1;          // IFLA_INFO_KIND
    public const uint Up = 0x1;                    // IFF_UP
    public const uint Running = 0x40;              // IFF_RUNNING

    public const int AddressBytes = 8;             // struct ifaddrmsg
    public const ushort AddressAddress = 1;        // IFA_ADDRESS
    public const ushort AddressLocal = 2;          // IFA_LOCAL
    public const byte AddressNoDad = 0x02;         // IFA_F_NODAD

    public const int RouteBytes = 12;              // struct rtmsg
    public const ushort RouteDestination = 1;      // RTA_DST
    public const ushort RouteSource = 2;           // RTA_SRC
    public const ushort RouteInputInterface = 3;   // RTA_IIF
    public const ushort RouteOutputInterface = 4;  // RTA_OIF
    public const ushort RouteGateway = 5;          // RTA_GATEWAY
    public const ushort RoutePriority = 6;         // RTA_PRIORITY
    public const ushort RoutePreferredSource = 7;  // RTA_PREFSRC
    public const ushort RouteMetrics = 8;          // RTA_METRICS
    public const ushort RouteTable = 15;           // RTA_TABLE
    public const ushort RouteMark = 16;            // RTA_MARK
    public const ushort RouteIpProtocol = 27;      // RTA_IP_PROTO
    public const ushort RouteSourcePort = 28;      // RTA_SPORT
    public const ushort RouteDestinationPort = 29; // RTA_DPORT
    public const ushort MetricMtu = 2;             // RTAX_MTU
    public const uint RouteFlagLookupTable = 0x1000; // RTM_F_LOOKUP_TABLE
    public const uint RouteFlagFibMatch = 0x2000;  // RTM_F_FIB_MATCH
    public const byte TableMain = 254;             // RT_TABLE_MAIN
    public const byte ScopeUniverse = 0;           // RT_SCOPE_UNIVERSE
    public const byte ScopeLink = 253;             // RT_SCOPE_LINK
    public const byte ScopeNowhere = 255;          // RT_SCOPE_NOWHERE: any, in a deletion
    public const byte Unicast = 1;                 // RTN_UNICAST

    public const int NeighbourBytes = 12;          // struct ndmsg
    public const ushort NeighbourDestination = 1;  // NDA_DST
    public const ushort NeighbourLinkAddress = 2;  // NDA_LLADDR

    public const int RuleBytes = 12;               // struct fib_rule_hdr
    public const ushort RuleDestination = 1;       // FRA_DST
    public const ushort RuleSource = 2;            // FRA_SRC
    public const ushort RuleInputName = 3;         // FRA_IIFNAME
    public const ushort RulePriority = 6;          // FRA_PRIORITY
    public const ushort RuleMark = 10;             // FRA_FWMARK
    public const ushort RuleTable = 15;            // FRA_TABLE
    public const ushort RuleOutputName = 17;       // FRA_OIFNAME

    // rtm_protocol of what this program sets, so that it shows in "ip route" as "proto 71" and a deletion never hits another's route.
    // Values above RTPROT_STATIC (4) are for user space; /etc/iproute2/rt_protos gives 71 to nobody.
    public const byte OwnProtocol = 71;
}
