//! Numbers of the kernel's netlink interface to nftables, under the kernel's own names.
//!
//! They are ABI: taken from `linux/netlink.h`, `linux/netfilter/nfnetlink.h` and `linux/netfilter/nf_tables.h`.
//! Every integer inside an nftables attribute is big-endian; netlink's own headers are in host order.

/// `linux/netlink.h`: flags and reserved message types.
pub(crate) mod nl {
    pub(crate) const F_REQUEST: u16 = 0x1;
    pub(crate) const F_ACK: u16 = 0x4;
    pub(crate) const F_DUMP_INTR: u16 = 0x10;
    pub(crate) const F_DUMP: u16 = 0x300;
    pub(crate) const F_CREATE: u16 = 0x400;
    pub(crate) const F_APPEND: u16 = 0x800;

    pub(crate) const ERROR: u16 = 0x2;
    pub(crate) const DONE: u16 = 0x3;

    pub(crate) const ATTR_NESTED: u16 = 0x8000;
    pub(crate) const ATTR_TYPE_MASK: u16 = 0x3fff;
}

/// `linux/netfilter/nfnetlink.h`.
pub(crate) mod nfnl {
    pub(crate) const SUBSYS_NFTABLES: u16 = 10;
    pub(crate) const MSG_BATCH_BEGIN: u16 = 0x10;
    pub(crate) const MSG_BATCH_END: u16 = 0x11;
    /// `NFNLGRP_NFTABLES` is group 7, that is bit 6 of the bind mask.
    pub(crate) const GROUP_MASK_NFTABLES: u32 = 1 << 6;
}

/// `NFPROTO_*` of `linux/netfilter.h`.
pub(crate) mod proto {
    pub(crate) const UNSPEC: u8 = 0;
    pub(crate) const INET: u8 = 1;
    pub(crate) const IPV4: u8 = 2;
    pub(crate) const IPV6: u8 = 10;
}

/// `enum nf_tables_msg_types`.
pub(crate) mod msg {
    pub(crate) const NEWTABLE: u8 = 0;
    pub(crate) const GETTABLE: u8 = 1;
    pub(crate) const DELTABLE: u8 = 2;
    pub(crate) const NEWCHAIN: u8 = 3;
    pub(crate) const GETCHAIN: u8 = 4;
    pub(crate) const DELCHAIN: u8 = 5;
    pub(crate) const NEWRULE: u8 = 6;
    pub(crate) const GETRULE: u8 = 7;
    pub(crate) const DELRULE: u8 = 8;
    pub(crate) const NEWSET: u8 = 9;
    pub(crate) const GETSET: u8 = 10;
    pub(crate) const DELSET: u8 = 11;
    pub(crate) const NEWSETELEM: u8 = 12;
    pub(crate) const GETSETELEM: u8 = 13;
    pub(crate) const DELSETELEM: u8 = 14;
    pub(crate) const NEWGEN: u8 = 15;
    pub(crate) const GETGEN: u8 = 16;
}

/// `NFTA_TABLE_*`.
pub(crate) mod table {
    pub(crate) const NAME: u16 = 1;
    pub(crate) const FLAGS: u16 = 2;
    pub(crate) const USERDATA: u16 = 6;
    pub(crate) const FLAG_DORMANT: u32 = 0x1;
    /// libnftnl's user-data type of a table's comment.
    pub(crate) const UDATA_COMMENT: u8 = 0;
}

/// `NFTA_CHAIN_*` and `NFTA_HOOK_*`.
pub(crate) mod chain {
    pub(crate) const TABLE: u16 = 1;
    pub(crate) const NAME: u16 = 3;
    pub(crate) const HOOK: u16 = 4;
    pub(crate) const POLICY: u16 = 5;
    pub(crate) const TYPE: u16 = 7;
    pub(crate) const USERDATA: u16 = 12;
    pub(crate) const HOOK_NUM: u16 = 1;
    pub(crate) const HOOK_PRIORITY: u16 = 2;
    /// `NF_INET_PRE_ROUTING`.
    pub(crate) const PRE_ROUTING: u32 = 0;
    /// libnftnl's user-data type of a chain's comment.
    pub(crate) const UDATA_COMMENT: u8 = 0;
}

/// `NFTA_RULE_*`.
pub(crate) mod rule {
    pub(crate) const TABLE: u16 = 1;
    pub(crate) const CHAIN: u16 = 2;
    pub(crate) const EXPRESSIONS: u16 = 4;
    pub(crate) const USERDATA: u16 = 7;
}

/// `NFTA_SET_*`.
pub(crate) mod set {
    pub(crate) const TABLE: u16 = 1;
    pub(crate) const NAME: u16 = 2;
    pub(crate) const FLAGS: u16 = 3;
    pub(crate) const KEY_TYPE: u16 = 4;
    pub(crate) const KEY_LEN: u16 = 5;
    pub(crate) const DESC: u16 = 9;
    pub(crate) const ID: u16 = 10;
    pub(crate) const TIMEOUT: u16 = 11;
    pub(crate) const GC_INTERVAL: u16 = 12;
    pub(crate) const DESC_SIZE: u16 = 1;
    pub(crate) const FLAG_ANONYMOUS: u32 = 0x1;
    pub(crate) const FLAG_TIMEOUT: u32 = 0x10;
    /// nft's number of its data type `ipv4_addr`; the kernel only keeps it for nft.
    pub(crate) const TYPE_IPV4_ADDR: u32 = 7;
    /// nft's number of its data type `ipv6_addr`.
    pub(crate) const TYPE_IPV6_ADDR: u32 = 8;
}

/// `NFTA_LIST_*`, `NFTA_SET_ELEM_LIST_*` and `NFTA_SET_ELEM_*`.
pub(crate) mod elem {
    pub(crate) const LIST_ELEM: u16 = 1;
    pub(crate) const LIST_TABLE: u16 = 1;
    pub(crate) const LIST_SET: u16 = 2;
    pub(crate) const LIST_ELEMENTS: u16 = 3;
    pub(crate) const KEY: u16 = 1;
    pub(crate) const TIMEOUT: u16 = 4;
    pub(crate) const EXPIRATION: u16 = 5;
}

/// `NFTA_GEN_*`.
pub(crate) mod generation {
    pub(crate) const ID: u16 = 1;
}

/// `NFTA_EXPR_*` and the attributes of the few expressions that our rules are made of.
pub(crate) mod expr {
    pub(crate) const NAME: u16 = 1;
    pub(crate) const DATA: u16 = 2;

    pub(crate) const REG_VERDICT: u32 = 0;
    pub(crate) const REG_1: u32 = 1;

    pub(crate) const DATA_VALUE: u16 = 1;
    pub(crate) const DATA_VERDICT: u16 = 2;
    pub(crate) const VERDICT_CODE: u16 = 1;
    pub(crate) const VERDICT_CHAIN: u16 = 2;
    pub(crate) const NF_DROP: u32 = 0;
    pub(crate) const NF_ACCEPT: u32 = 1;
    /// `NFT_JUMP`, -3.
    pub(crate) const NFT_JUMP: u32 = 0xffff_fffd;

    pub(crate) const META_DREG: u16 = 1;
    pub(crate) const META_KEY: u16 = 2;
    pub(crate) const META_NFPROTO: u32 = 15;
    pub(crate) const META_L4PROTO: u32 = 16;

    pub(crate) const CMP_SREG: u16 = 1;
    pub(crate) const CMP_OP: u16 = 2;
    pub(crate) const CMP_DATA: u16 = 3;
    pub(crate) const CMP_EQ: u32 = 0;
    pub(crate) const CMP_LTE: u32 = 3;
    pub(crate) const CMP_GTE: u32 = 5;

    pub(crate) const PAYLOAD_DREG: u16 = 1;
    pub(crate) const PAYLOAD_BASE: u16 = 2;
    pub(crate) const PAYLOAD_OFFSET: u16 = 3;
    pub(crate) const PAYLOAD_LEN: u16 = 4;
    pub(crate) const NETWORK_HEADER: u32 = 1;
    pub(crate) const TRANSPORT_HEADER: u32 = 2;

    pub(crate) const BITWISE_SREG: u16 = 1;
    pub(crate) const BITWISE_DREG: u16 = 2;
    pub(crate) const BITWISE_LEN: u16 = 3;
    pub(crate) const BITWISE_MASK: u16 = 4;
    pub(crate) const BITWISE_XOR: u16 = 5;
    pub(crate) const BITWISE_OP: u16 = 6;
    /// `NFT_BITWISE_MASK_XOR`.
    pub(crate) const BITWISE_MASK_XOR: u32 = 0;

    pub(crate) const LOOKUP_SET: u16 = 1;
    pub(crate) const LOOKUP_SREG: u16 = 2;

    pub(crate) const COUNTER_BYTES: u16 = 1;
    pub(crate) const COUNTER_PACKETS: u16 = 2;

    pub(crate) const IMMEDIATE_DREG: u16 = 1;
    pub(crate) const IMMEDIATE_DATA: u16 = 2;
}
